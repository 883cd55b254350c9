"""Scores for those who do not know them: what each is called, what it asks, and which way is better."""

from collections.abc import Iterable
from dataclasses import dataclass

from bvae_cli.evaluation.meanings import MEANINGS


@dataclass(frozen=True)
class Score:
    """A score as it is told."""

    name: str  # in metrics.json
    title: str
    words: str

    @property
    def better(self) -> str:
        """Which way is better: "higher", "lower", or nothing where neither is."""
        return {"↑": "higher", "↓": "lower"}.get(MEANINGS.get(self.name, "")[-1:], "")


@dataclass(frozen=True)
class Group:
    """Scores that answer one question."""

    title: str
    words: str
    scores: tuple[Score, ...]


GROUPS = (
    Group(
        "How well it models the pictures",
        "Means over pictures, in nats: 0.69 nats are one bit.",
        (
            Score("elbo", "Evidence lower bound", "How probable the model finds a picture, at the least."),
            Score("reconstruction", "Reconstruction loss", "What is lost of a picture that goes through the latents."),
            Score("kl", "KL divergence", "How much the latents together tell of a picture."),
            Score("kl_mutual_information", "— of it, information", "What singles the picture out from the others."),
            Score("kl_total_correlation", "— of it, dependence", "What is due to latents that go together."),
            Score(
                "kl_dimension_wise",
                "— of it, spread",
                "What is due to single latents that are spread otherwise than the prior.",
            ),
            Score("latents_used", "Latents used", "How many tell anything, that is 0.01 nats or more."),
        ),
    ),
    Group(
        "How well the latents come apart",
        "Judged by the true factors of the pictures, which training never saw. From 0 to 1, if not said otherwise.",
        (
            Score(
                "higgins", "Higgins metric", "How often a linear classifier tells which factor pairs of pictures share."
            ),
            Score("higgins_published", "Higgins metric, as published", "The same, classified as its authors did."),
            Score(
                "factor_vae", "FactorVAE metric", "How often the latent that varies least tells which factor is held."
            ),
            Score("mig", "MIG", "By how much the latent that tells most of a factor leads the second."),
            Score("mig_sampled", "MIG, sampled", "The same with samples of the posteriors in place of their means."),
            Score("dci_disentanglement", "DCI disentanglement", "Whether each latent serves one factor alone."),
            Score("dci_completeness", "DCI completeness", "Whether each factor is served by one latent alone."),
            Score(
                "modularity",
                "Modularity",
                "Whether a latent tells of no second factor. High, too, where little is told.",
            ),
            Score(
                "sap", "SAP", "By how much the latent that predicts a factor best leads the second. Low for everybody."
            ),
            Score("irs", "IRS", "How little a latent moves when factors change that are not its own."),
            Score("aam", "AAM", "By how much the best latent of a factor leads all the others together."),
        ),
    ),
    Group(
        "How much of the factors is told at all",
        "By all latents together, however mixed they are. From 0 to 1.",
        (
            Score("dci_informativeness", "DCI informativeness", "How often boosted trees tell a factor's value."),
            Score(
                "explicitness", "Explicitness", "How well a linear classifier tells a factor's value: 0.5 is chance."
            ),
        ),
    ),
    Group(
        "How independent the latents are",
        "Judged without the factors.",
        (
            Score(
                "total_correlation",
                "Total correlation",
                "The dependence of the latents, taken to be Gaussian, in nats.",
            ),
            Score("wasserstein", "Wasserstein correlation", "The distance to latents that are not correlated."),
            Score("latent_information", "Mutual information", "What two latents tell of each other, in nats."),
            Score("udr", "UDR", "How much of what it has learnt other models of the same data have learnt, too."),
        ),
    ),
)


def groups_of(names: Iterable[str]) -> list[Group]:
    """The groups, with those of some scores alone; what is in none comes last, with the words that a terminal has."""
    names = list(names)
    known = {score.name for group in GROUPS for score in group.scores}
    others = tuple(Score(name, name, MEANINGS.get(name, "").rstrip(" ↑↓")) for name in names if name not in known)
    whole = [*GROUPS, Group("Others", "", others)]
    told = [(group, tuple(score for score in group.scores if score.name in names)) for group in whole]
    return [Group(group.title, group.words, scores) for group, scores in told if scores]
