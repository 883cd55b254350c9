"""Scores for those who do not know them: what each is called, what it asks, and which way is better."""

from collections.abc import Iterable
from dataclasses import dataclass

from bvae_cli.evaluation.descriptions import DESCRIPTIONS


@dataclass(frozen=True)
class ScoreInfo:
    """A score as it is told."""

    name: str  # in metrics.json
    title: str
    description: str

    @property
    def better(self) -> str:
        """Which way is better: "higher", "lower", or nothing where neither is."""
        return {"↑": "higher", "↓": "lower"}.get(DESCRIPTIONS.get(self.name, "")[-1:], "")


@dataclass(frozen=True)
class ScoreGroup:
    """Scores that answer one question."""

    title: str
    description: str
    scores: tuple[ScoreInfo, ...]


GROUPS = (
    ScoreGroup(
        "How well it models the pictures",
        "Means over pictures, in nats: 0.69 nats are one bit.",
        (
            ScoreInfo("elbo", "Evidence lower bound", "How probable the model finds a picture, at the least."),
            ScoreInfo(
                "reconstruction_loss", "Reconstruction loss", "What is lost of a picture that goes through the latents."
            ),
            ScoreInfo("kl", "KL divergence", "How much the latents together tell of a picture."),
            ScoreInfo("index_code_mi", "— of it, information", "What singles the picture out from the others."),
            ScoreInfo("total_correlation", "— of it, dependence", "What is due to latents that go together."),
            ScoreInfo(
                "dimension_wise_kl",
                "— of it, spread",
                "What is due to single latents that are spread otherwise than the prior.",
            ),
            ScoreInfo("active_units", "Latents used", "How many tell anything, that is 0.01 nats or more."),
        ),
    ),
    ScoreGroup(
        "How well the latents come apart",
        "Judged by the true factors of the pictures, which training never saw. From 0 to 1, if not said otherwise.",
        (
            ScoreInfo(
                "beta_vae_score",
                "Higgins metric",
                "How often a linear classifier tells which factor pairs of pictures share.",
            ),
            ScoreInfo(
                "beta_vae_score_published", "Higgins metric, as published", "The same, classified as its authors did."
            ),
            ScoreInfo(
                "factor_vae_score",
                "FactorVAE metric",
                "How often the latent that varies least tells which factor is held.",
            ),
            ScoreInfo("mig", "MIG", "By how much the latent that tells most of a factor leads the second."),
            ScoreInfo(
                "mig_sampled", "MIG, sampled", "The same with samples of the posteriors in place of their means."
            ),
            ScoreInfo("dci_disentanglement", "DCI disentanglement", "Whether each latent serves one factor alone."),
            ScoreInfo("dci_completeness", "DCI completeness", "Whether each factor is served by one latent alone."),
            ScoreInfo(
                "modularity",
                "Modularity",
                "Whether a latent tells of no second factor. High, too, where little is told.",
            ),
            ScoreInfo(
                "sap", "SAP", "By how much the latent that predicts a factor best leads the second. Low for everybody."
            ),
            ScoreInfo("irs", "IRS", "How little a latent moves when factors change that are not its own."),
            ScoreInfo("aam", "AAM", "By how much the best latent of a factor leads all the others together."),
        ),
    ),
    ScoreGroup(
        "How much of the factors is told at all",
        "By all latents together, however mixed they are. From 0 to 1.",
        (
            ScoreInfo("dci_informativeness", "DCI informativeness", "How often boosted trees tell a factor's value."),
            ScoreInfo(
                "explicitness", "Explicitness", "How well a linear classifier tells a factor's value: 0.5 is chance."
            ),
        ),
    ),
    ScoreGroup(
        "How independent the latents are",
        "Judged without the factors.",
        (
            ScoreInfo(
                "gaussian_total_correlation",
                "Total correlation",
                "The dependence of the latents, taken to be Gaussian, in nats.",
            ),
            ScoreInfo(
                "gaussian_wasserstein_correlation_norm",
                "Wasserstein correlation",
                "The distance to latents that are not correlated.",
            ),
            ScoreInfo("mutual_info_score", "Mutual information", "What two latents tell of each other, in nats."),
            ScoreInfo("udr", "UDR", "How much of what it has learnt other models of the same data have learnt, too."),
        ),
    ),
)


def select_groups(names: Iterable[str]) -> list[ScoreGroup]:
    """The groups, with those of some scores alone; what is in none comes last, with the words that a terminal has."""
    names = list(names)
    known = {score.name for group in GROUPS for score in group.scores}
    others = tuple(
        ScoreInfo(name, name, DESCRIPTIONS.get(name, "").rstrip(" ↑↓")) for name in names if name not in known
    )
    whole = [*GROUPS, ScoreGroup("Others", "", others)]
    selected = [(group, tuple(score for score in group.scores if score.name in names)) for group in whole]
    return [ScoreGroup(group.title, group.description, scores) for group, scores in selected if scores]
