"""Machine images for offline scoring: a disk with a model's container, as an EBS snapshot, registered with EC2.

``contents`` puts the container's layers together, ``disks`` makes a bootable disk of them, ``snapshots`` writes it to
EBS, ``registration`` makes an AMI of it, and ``pruning`` lets go of those that have expired. ``packer`` has the same as
a template for Packer.
"""
