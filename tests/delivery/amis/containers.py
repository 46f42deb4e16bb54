"""Images as `trackback deliver image` makes them, but for what is in them."""

from pathlib import Path

from trackback.delivery.images.blobs import Blobs
from trackback.delivery.images.layers import Entry, write_layer
from trackback.delivery.images.layouts import CONFIG_TYPE, MANIFEST_TYPE, Descriptor, Layout, encode

PYTHON = "/usr/bin/python3.11"


def write_image(folder: Path, label: str, digest: str, files: dict[str, bytes]) -> str:
    """An OCI layout with an image of a model; its name as a base has it."""
    layout = Layout(folder)
    layout.prepare()
    blobs = Blobs(folder)
    layer = write_layer(blobs, [Entry(path, content) for path, content in files.items()])
    config = encode(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {
                "User": "65532:65532",
                "Env": ["PYTHONPATH=/opt/trackback/server:/opt/trackback/lib", 'ODD=50% of "$HOME"'],
                "Entrypoint": [
                    PYTHON,
                    "-m",
                    "trackback",
                    "models",
                    "serve",
                    "--model-uri",
                    "/opt/model",
                    "--trust",
                    "ab",
                ],
                "Labels": {"trackback.model": label, "trackback.digest": f"sha256:{digest}"},
            },
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id]},
        }
    )
    described = Descriptor(CONFIG_TYPE, blobs.put(config), len(config))
    manifest = encode(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": described.document,
            "layers": [Descriptor(layer.media_type, layer.digest, layer.size).document],
        }
    )
    layout.add(Descriptor(MANIFEST_TYPE, blobs.put(manifest), len(manifest)), "latest")
    return f"oci:{folder}"
