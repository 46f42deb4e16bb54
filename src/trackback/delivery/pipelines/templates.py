"""What `trackback deliver init` writes. ``@name@`` is filled in."""

STAGES = """\
# The stages that follow a promotion of this model to @environment@, in this order. Each is a command of the shell; it
# finds what is delivered in its environment, settled once: TRACKBACK_PROMOTION or TRACKBACK_MODEL, TRACKBACK_NAME,
# TRACKBACK_VERSION, TRACKBACK_DIGEST, TRACKBACK_ENVIRONMENT. The first that ends with another code than 0 ends the run.
# --isolated loads the model with just the packages that its requirements.txt names, in place of those of this Python.
#
#     trackback deliver run deliver.yaml                    # all of them, on this machine
#     trackback deliver run deliver.yaml --stage validate   # one, as CI does
pipeline: @pipeline@
model: @model@   # what is delivered where no promotion has triggered it

stages:
  - name: validate
    run: trackback deliver validate --data @data@ --target @target@ --spec checks.yaml --isolated
    minutes: 60

  - name: delta
    run: trackback deliver delta --against @environment@ --data @data@ --target @target@ --spec checks.yaml --isolated
    minutes: 60

  - name: image
    run: trackback deliver image --tag @image@@push@
    minutes: 60

  - name: deploy
    run: trackback deliver deploy --to @to@@apply@
    minutes: 30

  # - name: score
  #   run: trackback deliver score --input customers.parquet --output scores.parquet

  # - name: ami
  #   run: trackback deliver ami --region eu-west-1
"""

CHECKS = """\
# What a model is measured by, and what it has to show: docs/reference/deliver.md explains each field. Leave out what
# you don't want. `trackback deliver validate` looks at checks, `trackback deliver delta` at delta.

# task: classification         # found out from the model and the target, if it is not said
# id: customer                 # what rows are called in reports
# slices:
#   - by: region
#   - by: age
#     bins: [30, 50]
#   - name: new customers
#     where: {tenure: {max: 3}, region: [north, south]}
min_rows: 30                   # slices with fewer are left out

bootstrap:
  resamples: 1000
  confidence: 0.95
  seed: 0
  # unit: customer             # rows of one are drawn together

checks:
  - schema: signature          # the model says what it takes
  - size: model
    max_mb: 500
  - latency: p95
    max_ms: 250
  # - metric: accuracy
  #   min: 0.9
  #   bound: lower             # the lower end of its interval is at least that
  # - metric: accuracy
  #   over: slices
  #   max_gap: 0.1
  # - missing: "*"
  #   max_share: 0.1

delta:                         # without a check of a metric, the first one is not to be worse for certain
  - size: model
    max_ratio: 2
  # - metric: accuracy         # not worse for certain, by more than
  #   max_drop: 0.01
  # - flips: worse
  #   max_share: 0.02
  # - shift: psi
  #   max: 0.25
"""

GOCD = """\
# For GoCD's YAML configuration plugin. `trackback gocd init` made the package, and has promotions trigger it; run it
# again once GoCD has this pipeline. Agents need trackback: pip install 'trackback[deliver,scoring]'.
format_version: 10
pipelines:
  @pipeline@:
    group: models
    environment_variables:
      TRACKBACK_TRACKING_URI: @server@
    # secure_variables:
    #   TRACKBACK_TOKEN: AES:…   # of who may report, if the server has accounts
    materials:
      code:
        git: @repository@
        destination: code
        auto_update: true
      promotion:
        package: @package@
    stages:
@stages@"""

GITHUB = """\
# Promotions trigger it by this webhook, made once, with a token that may write the repository's contents:
#
#     trackback webhook create deliver --target github --repository OWNER/NAME \\
#         --stream @stream@ --environment @environment@
#
# The secret TRACKBACK_TOKEN is that of who may report, if the server has accounts.
name: @pipeline@
on:
  repository_dispatch:
    types: [trackback-promotion]
  workflow_dispatch:
    inputs:
      promotion:
        description: The number of a promotion
        required: true

concurrency: @pipeline@

env:
  TRACKBACK_TRACKING_URI: @server@
  TRACKBACK_TOKEN: ${{ secrets.TRACKBACK_TOKEN }}
  TRACKBACK_PROMOTION: ${{ github.event.client_payload.promotion.seq || inputs.promotion }}

jobs:
@jobs@"""

GITLAB = """\
# Promotions trigger it by this webhook, made once, with the token of a pipeline trigger:
#
#     trackback webhook create deliver --target gitlab --project GROUP/NAME --ref main \\
#         --stream @stream@ --environment @environment@
#
# The masked variable TRACKBACK_TOKEN is that of who may report, if the server has accounts.
stages:
@stages@
variables:
  TRACKBACK_TRACKING_URI: @server@
  TRACKBACK_PROMOTION: $TRACKBACK_SEQ

workflow:
  rules:
    - if: $TRACKBACK_SEQ && $TRACKBACK_KIND != "demoted"

.deliver:
  image: python:3.11   # or one that also has kubectl, to deploy to Kubernetes
  before_script:
    - python -m pip install 'trackback[deliver,scoring]'
  artifacts:
    when: always
    paths: [@reports@]

@jobs@"""
