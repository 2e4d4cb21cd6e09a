import pytest
from support.toys import Shapes, Toy, scores_of
from support.tracked import evaluation

from genfoundry import gate
from genfoundry.dataset import verify
from genfoundry.exhibit import Bars
from genfoundry.judging import conditional_scores
from genfoundry.judging.features import Extractor
from genfoundry.tasks.generation.about import Plan
from genfoundry.tasks.generation.judge import judge
from genfoundry.training.loader import build_model

pytestmark = pytest.mark.usefixtures("root")
PLAN = Plan(num_samples=200, seeds=1)


class Obedient(Toy):
    """Hands back a training image of the class that is asked for."""

    conditions = ("label",)


class Stubborn(Obedient):
    """Hands back the image asked for by another row."""

    def sample(self, like, generator=None):
        return super().sample(like, generator).roll(1, 0)


@pytest.fixture
def judged(mnist_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(
        conditional_scores, "_accuracy_after", lambda *_: conditional_scores.UNKNOWN
    )  # it trains; has a test of its own

    def judged(model):
        return judge(model, verify(mnist_folder), PLAN, Extractor(Shapes(mnist_folder), "1a2b3c4d5e6f"), tmp_path)

    return judged


def test_a_model_that_does_as_it_is_asked_is_as_right_as_real_data(judged):
    found = judged(Obedient())
    own, real = (scores_of(found, who)["label_accuracy_domain-1a2b3c4d_200"] for who in ("model", "real"))
    assert own.low <= real.high
    assert real.low <= own.high


def test_a_model_that_does_not_is_found_although_its_crowd_is_the_same(judged):
    obedient, stubborn = (scores_of(judged(model)) for model in (Obedient(), Stubborn()))
    assert stubborn["label_accuracy_domain-1a2b3c4d_200"].high < 0.2
    name = "fd_by_class_domain-1a2b3c4d_200"
    assert stubborn[name].value > 2 * obedient[name].value


def test_each_class_has_its_own_distance_and_their_mean_is_the_score(judged):
    found = judged(Obedient())
    (shown,) = (each for each in found.exhibits if "distance" in each.title)
    assert isinstance(shown, Bars)
    assert [name for name, _ in shown.bars] == [str(digit) for digit in range(10)]
    own = [distance for _, distance in shown.bars]
    assert sum(own) / 10 == pytest.approx(scores_of(found)["fd_by_class_domain-1a2b3c4d_200"].value)


def test_the_gate_rejects_a_model_that_does_not_do_as_it_is_asked(judged):
    """Although its Fréchet distance is as good: the crowd is the same."""
    for model, decision in ((Obedient(), True), (Stubborn(), False)):
        found = judged(model)
        asked = evaluation("k", "r", "w").model_copy(update={"scores": found.scores, "primary": found.primary})
        by_rule = {reason.rule: reason.passed for reason in gate.decide(asked, None, gate.Policy()).reasons}
        assert by_rule["does as asked"] is decision
        assert by_rule["beats noise"]


def test_an_unconditional_model_is_asked_for_nothing(judged):
    assert not [
        name for name in scores_of(judged(Toy())) if name.startswith(("label_", "fd_by_class", "classification"))
    ]


def test_a_classifier_that_learned_from_samples_knows_real_digits(mnist_folder, root):
    from genfoundry.judging.image_sets import LabelledImages, real_images

    real = real_images(mnist_folder, 1000, 0)
    extractor = Extractor(build_model("mlp", Toy().spec, {}), "ffff0000ffff")
    taught, held_out = LabelledImages(*real.train), LabelledImages(real.test, real.test_labels)
    assert conditional_scores._accuracy_after(extractor, taught, held_out, 300, 0).low > 0.8
    shuffled = LabelledImages(real.train.images, real.train.labels[::-1].copy())
    assert conditional_scores._accuracy_after(extractor, shuffled, held_out, 300, 0).high < 0.3
