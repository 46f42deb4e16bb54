"""Machine images for offline scoring: a disk with a model's container, as an EBS snapshot, registered with EC2.

``contents`` finds the container, ``root`` puts its layers together, ``machines`` makes Debian for it, and ``disks`` a
bootable disk of both; ``snapshots`` writes it to EBS, ``registration`` makes an AMI of it, and ``pruning`` lets go of
those that have expired. ``packer`` has the same as a template for Packer.
"""
