"""Titles and one-line explanations of all scores, in the groups of the report."""

from collections.abc import Iterable
from dataclasses import dataclass

from bvae_cli.encoding import ACTIVE_THRESHOLD
from bvae_cli.evaluation.descriptions import DESCRIPTIONS
from bvae_cli.metrics.downstream import SIZES

DOWNSTREAM = {"boosting": "boosted trees", "logistic": "logistic regression"}


@dataclass(frozen=True)
class ScoreInfo:
    """A score with its title and explanation."""

    name: str  # in metrics.json
    title: str
    description: str

    @property
    def better(self) -> str:
        """Whether "higher" or "lower" is better; empty if neither is."""
        return {"↑": "higher", "↓": "lower"}.get(DESCRIPTIONS.get(self.name, "")[-1:], "")


@dataclass(frozen=True)
class ScoreGroup:
    """Scores that measure one property."""

    title: str
    description: str
    scores: tuple[ScoreInfo, ...]


GROUPS = (
    ScoreGroup(
        "Likelihood and KL",
        "Averages over images, in nats per image (0.69 nats are one bit).",
        (
            ScoreInfo("elbo", "ELBO", "Evidence lower bound on log p(x), nats; any real number."),
            ScoreInfo("reconstruction_loss", "Reconstruction loss", "−log p(x|z), summed over pixels, nats."),
            ScoreInfo("kl", "KL divergence", "KL(q(z|x) ‖ p(z)), summed over latents, nats, 0 or more."),
            ScoreInfo(
                "index_code_mi",
                "KL term: index-code mutual information",
                "I(x; z), information of the code about the image, nats, 0 to ln(number of images).",
            ),
            ScoreInfo(
                "total_correlation",
                "KL term: total correlation",
                "KL(q(z) ‖ Π q(z_j)), statistical dependence between the latents, nats, 0 or more.",
            ),
            ScoreInfo(
                "dimension_wise_kl",
                "KL term: dimension-wise KL",
                "Σ KL(q(z_j) ‖ p(z_j)), deviation of each latent from its prior, nats, 0 or more.",
            ),
            ScoreInfo(
                "active_units",
                "Active latents",
                f"Number of latents with a KL of at least {ACTIVE_THRESHOLD:g} nats; the others are collapsed.",
            ),
        ),
    ),
    ScoreGroup(
        "Disentanglement",
        "Computed with the ground-truth factors of variation, which are not used in training.",
        (
            ScoreInfo(
                "beta_vae_score",
                "β-VAE score (Higgins metric)",
                "Accuracy of a linear classifier that predicts the shared factor from |z₁ − z₂|, 0–1.",
            ),
            ScoreInfo(
                "beta_vae_score_published",
                "β-VAE score, published protocol",
                "The same accuracy with the classifier and the training of Higgins et al. 2017, 0–1.",
            ),
            ScoreInfo(
                "factor_vae_score",
                "FactorVAE score",
                "Accuracy of identifying the fixed factor from the lowest-variance latent, 0–1.",
            ),
            ScoreInfo(
                "mig",
                "MIG: mutual information gap",
                "Gap between the two latents most informative about a factor, relative to its entropy, 0–1.",
            ),
            ScoreInfo(
                "mig_sampled",
                "MIG, from posterior samples",
                "The same gap, estimated from samples of the posteriors instead of their means, 0–1.",
            ),
            ScoreInfo(
                "mig_sup",
                "MIG-sup",
                "Gap between the two factors that a latent is most informative about, relative to their entropy, 0–1.",
            ),
            ScoreInfo(
                "jemmig",
                "JEMMIG",
                "MIG that also requires a latent to encode nothing but its factor, normalised, 0–1.",
            ),
            ScoreInfo(
                "dcimig",
                "DCIMIG",
                "Information about the factors in latents that encode one factor, relative to the entropies, 0–1.",
            ),
            ScoreInfo(
                "info_modularity",
                "InfoM: InfoMEC modularity",
                "Degree to which a latent is informative about one factor only, 0–1; above 0 for noise.",
            ),
            ScoreInfo(
                "info_compactness",
                "InfoC: InfoMEC compactness",
                "Degree to which one latent only is informative about a factor, 0–1; above 0 for noise.",
            ),
            ScoreInfo(
                "mcc_pearson",
                "MCC: mean correlation coefficient",
                "Correlation of each factor with its own latent, 0–1; to be compared with the null baseline.",
            ),
            ScoreInfo("mcc_pearson_null", "MCC, null baseline", "The same for shuffled images, 0–1."),
            ScoreInfo(
                "mcc_spearman",
                "MCC, rank correlation",
                "Rank correlation of each factor with its own latent, 0–1; invariant to monotonic maps.",
            ),
            ScoreInfo(
                "mcc_spearman_null", "MCC, rank correlation, null baseline", "The same for shuffled images, 0–1."
            ),
            ScoreInfo(
                "dci_disentanglement",
                "DCI disentanglement",
                "Degree to which each latent is important for a single factor, 0–1.",
            ),
            ScoreInfo(
                "dci_completeness",
                "DCI completeness",
                "Degree to which each factor is predicted from a single latent, 0–1.",
            ),
            ScoreInfo(
                "modularity",
                "Modularity",
                "Degree to which a latent is informative about one factor only, 0–1; also high for weak latents.",
            ),
            ScoreInfo(
                "sap",
                "SAP: separated attribute predictability",
                "Gap in accuracy between the two latents that best predict a factor, 0–1; typically below 0.1.",
            ),
            ScoreInfo(
                "irs",
                "IRS: interventional robustness score",
                "Robustness of each latent to changes of the factors that it does not encode, 0–1.",
            ),
            ScoreInfo(
                "aam",
                "AAM: axis alignment metric",
                "Information of the best latent about a factor minus that of all others, relative to the best, 0–1.",
            ),
        ),
    ),
    ScoreGroup(
        "Informativeness",
        "How well all latents together predict the factors, entangled or not.",
        (
            ScoreInfo(
                "dci_informativeness",
                "DCI informativeness",
                "Accuracy of boosted trees that predict the value of a factor, 0–1.",
            ),
            ScoreInfo(
                "explicitness",
                "Explicitness",
                "Mean ROC AUC of a linear classifier that predicts the value of a factor, 0–1; chance is 0.5.",
            ),
            ScoreInfo(
                "info_explicitness",
                "InfoE: InfoMEC explicitness",
                "Information of a linear model about a factor, relative to the factor's entropy, 0–1.",
            ),
            ScoreInfo(
                "dci_es_explicitness",
                "DCI-ES explicitness",
                "How little depth random forests need to predict a factor as well as they can, 0–1; 1 for noise.",
            ),
            *(
                ScoreInfo(
                    f"downstream_{name}_{size}",
                    f"Downstream accuracy, {classifier}, {size:,} labels",
                    "Test accuracy of predicting the factors from few or many labelled images, 0–1.",
                )
                for name, classifier in DOWNSTREAM.items()
                for size in SIZES
            ),
            *(
                ScoreInfo(
                    f"downstream_{name}_efficiency",
                    f"Sample efficiency, {classifier}",
                    "Accuracy with 100 labels, relative to that with 10,000.",
                )
                for name, classifier in DOWNSTREAM.items()
            ),
            ScoreInfo(
                "strong_generalisation_accuracy",
                "Strong generalisation",
                "Accuracy of predicting a factor where another one has values that were not trained on, 0–1.",
            ),
            ScoreInfo(
                "strong_generalisation_gap",
                "Strong generalisation gap",
                "Relative loss of accuracy by that shift; 0 is best.",
            ),
            ScoreInfo(
                "unfairness",
                "Unfairness",
                "Dependence of predicted factors on other factors, total variation, 0–1; has a null baseline.",
            ),
            ScoreInfo("unfairness_null", "Unfairness, null baseline", "The same for shuffled predictions, 0–1."),
        ),
    ),
    ScoreGroup(
        "Independence and stability",
        "Computed without the ground-truth factors.",
        (
            ScoreInfo(
                "gaussian_total_correlation",
                "Gaussian total correlation",
                "Total correlation of a Gaussian fitted to the posterior means, nats, 0 or more.",
            ),
            ScoreInfo(
                "gaussian_wasserstein_correlation_norm",
                "Wasserstein correlation",
                "Normalised Wasserstein distance between that Gaussian and its uncorrelated version, 0 or more.",
            ),
            ScoreInfo(
                "mutual_info_score",
                "Mutual information between latents",
                "Mean pairwise mutual information between latents, nats, 0 or more.",
            ),
            ScoreInfo(
                "udr",
                "UDR: unsupervised disentanglement ranking",
                "Similarity of the latents to those of other runs on the same data, 0–1.",
            ),
        ),
    ),
)


def select_groups(names: Iterable[str]) -> list[ScoreGroup]:
    """Return the groups restricted to the given scores; scores without a group come last, with their description."""
    names = list(names)
    known = {score.name for group in GROUPS for score in group.scores}
    others = tuple(
        ScoreInfo(name, name, DESCRIPTIONS.get(name, "").rstrip(" ↑↓")) for name in names if name not in known
    )
    all_groups = [*GROUPS, ScoreGroup("Other scores", "", others)]
    selected = [(group, tuple(score for score in group.scores if score.name in names)) for group in all_groups]
    return [ScoreGroup(group.title, group.description, scores) for group, scores in selected if scores]
