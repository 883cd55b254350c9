"""The layouts in which people have CelebA on disk."""

import zipfile
from pathlib import Path

import pytest
from conftest import Bvae
from PIL import Image

from bvae_cli.images import store

TXT = "3\nBald Male\n" + "".join(f"{number:06}.jpg {1 - 2 * (number % 2)} 1\n" for number in (1, 2, 3))
CSV = "image_id,Bald,Male\n" + "".join(f"{number:06}.jpg,{1 - 2 * (number % 2)},1\n" for number in (1, 2, 3))


def write_images(folder: Path) -> None:
    folder.mkdir(parents=True)
    for number in (1, 2, 3):
        Image.new("RGB", (178, 218), (80 * number, 0, 0)).save(folder / f"{number:06}.jpg")


@pytest.mark.parametrize("images", ["img_align_celeba", "img_align_celeba/img_align_celeba", "Img/img_align_celeba"])
@pytest.mark.parametrize(
    ("table", "text"),
    [("list_attr_celeba.txt", TXT), ("list_attr_celeba.csv", CSV), ("Anno/list_attr_celeba.txt", TXT)],
)
def test_images_and_attributes_in_one_folder_are_read(bvae: Bvae, images: str, table: str, text: str) -> None:
    write_images(Path("vision", images))
    Path("vision", table).parent.mkdir(exist_ok=True)
    Path("vision", table).write_text(text)
    done = bvae("download", "celeba", "--from", "vision", "--data", "d")
    assert done.code == 0, done.err
    spec, packed, labels = store.read_data_file(Path("d/celeba.h5"), "celeba")
    assert spec.factors == {"Bald": 2, "Male": 2}
    assert len(packed) == 3
    assert labels is not None
    assert labels.tolist() == [[0, 1], [1, 1], [0, 1]]


def test_the_attributes_beside_a_zip_are_read(bvae: Bvae) -> None:
    write_images(Path("images"))
    with zipfile.ZipFile("img_align_celeba.zip", "w") as archive:
        for path in Path("images").iterdir():
            archive.write(path, f"img_align_celeba/{path.name}")
    Path("list_attr_celeba.csv").write_text(CSV)
    assert bvae("download", "celeba", "--from", "img_align_celeba.zip").code == 0
    assert store.read_data_file(Path("data/celeba.h5"), "celeba")[0].factors == {"Bald": 2, "Male": 2}


def test_attributes_outside_of_the_folder_are_mentioned(bvae: Bvae) -> None:
    write_images(Path("vision/img_align_celeba"))
    Path("vision/list_attr_celeba.txt").write_text(TXT)
    done = bvae("download", "celeba", "--from", "vision/img_align_celeba")
    assert done.code == 0
    assert "list_attr_celeba.txt are not read: they are outside of vision/img_align_celeba" in done.err
    assert store.read_data_file(Path("data/celeba.h5"), "celeba")[0].factors == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TXT.replace("Bald Male", "Bald Bald"), "two of its attributes have the name Bald"),
        (TXT.replace("000002.jpg 1 1\n", ""), "it has no line of 2 values for 000002"),
        (TXT.replace("000002.jpg 1 1\n", "000002.jpg 1\n"), "it has no line of 2 values for 000002"),
        (TXT.replace("1 1\n", "yes 1\n"), "cannot be read as the attributes of CelebA"),
        ("", "cannot be read as the attributes of CelebA"),
    ],
)
def test_invalid_attributes_are_an_error_before_images_are_read(bvae: Bvae, text: str, message: str) -> None:
    write_images(Path("vision/img_align_celeba"))
    Path("vision/list_attr_celeba.txt").write_text(text)
    done = bvae("download", "celeba", "--from", "vision")
    assert done.code == 1
    assert message in done.err
    assert not Path("data/celeba.h5").exists()
