"""The same machine as a template for Packer, which starts an instance of Debian's own AMI and adds the container."""

import json
from pathlib import Path
from string import Template

from trackback.delivery.ami import host
from trackback.delivery.ami.contents import Container
from trackback.delivery.ami.root import write_root
from trackback.delivery.subject import Subject
from trackback.delivery.written import unwritable, write_whole

TEMPLATE = "trackback.pkr.hcl"

_TEMPLATE = Template("""\
packer {
  required_plugins {
    amazon = {
      source  = "github.com/hashicorp/amazon"
      version = ">= 1.3.0"
    }
  }
}

variable "region" {
  type    = string
  default = $region
}

variable "instance_type" {
  type    = string
  default = "t3.small"
}

source "amazon-ebs" "scoring" {
  region        = var.region
  instance_type = var.instance_type
  ssh_username  = "admin"
  ami_name      = $name
  imds_support  = "v2.0"
  ena_support   = true

  source_ami_filter {
    owners      = ["136693071363"] # Debian's
    most_recent = true
    filters = {
      name                = "debian-12-amd64-*"
      root-device-type    = "ebs"
      virtualization-type = "hvm"
    }
  }

  launch_block_device_mappings {
    device_name           = "/dev/xvda"
    volume_size           = $gib
    volume_type           = "gp3"
    delete_on_termination = true
  }

  tags = $tags

  snapshot_tags = $tags
}

build {
  sources = ["source.amazon-ebs.scoring"]

  provisioner "file" {
    source      = "image.tar"
    destination = "/tmp/image.tar"
  }

  provisioner "file" {
    source      = $unit
    destination = "/tmp/$unit_name"
  }

  provisioner "shell" {
    inline = [
      "sudo mkdir -p $image",
      "sudo tar --extract --numeric-owner --file /tmp/image.tar --directory $image",
$account
      "sudo install -m 644 /tmp/$unit_name /etc/systemd/system/$unit_name",
      "sudo systemctl enable $unit_name",
      "sudo cloud-init clean --logs",
      "rm /tmp/image.tar /tmp/$unit_name",
    ]
  }
}
""")


def write_template(
    container: Container, subject: Subject, folder: Path, *, name: str, region: str | None, tags: dict[str, str]
) -> Path:
    """Write a folder in which `packer init .` and `packer build .` make the AMI; the template's path.

    InvalidParameter: it can't be written there. StorageFull.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = folder / ".image.tar"
        with unfinished.open("wb") as file:
            size = write_root(container.layers, file)
        unfinished.replace(folder / "image.tar")
    except OSError as error:
        raise unwritable(folder, error) from error
    write_whole(folder / host.UNIT, host.unit(container, subject))
    template = _TEMPLATE.substitute(
        region=_text(region or "us-east-1"),
        name=_text(name),
        gib=8 + 2 * size // (1 << 30),
        tags=_block(tags),
        image=host.IMAGE,
        account="\n".join(f"      {_text(each)}," for each in host.make_account("sudo")),
        unit=_text(host.UNIT),
        unit_name=host.UNIT,
    )
    path = folder / TEMPLATE
    write_whole(path, template)
    return path


def _text(value: str) -> str:
    """A literal of HCL, which are those of JSON but for what begins a template in it."""
    return json.dumps(value, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")


def _block(tags: dict[str, str]) -> str:
    """As `packer fmt` has it: equals signs below each other."""
    width = max(map(len, map(_text, tags)))
    lines = "\n".join(f"    {_text(key):{width}} = {_text(value)}" for key, value in tags.items())
    return f"{{\n{lines}\n  }}"
