"""Names for runs and models that were given none: an adjective, a noun and a number, easy to say and to tell apart."""

import random

_ADJECTIVES = (
    "able agile amber ample apt bold brave brisk bright calm candid civil clear clever crisp curious deft eager early "
    "easy exact fair fine firm fleet fond frank free fresh gentle glad golden grand handy hardy honest jolly keen kind "
    "lively loyal lucid lunar mellow merry mild modest neat nimble noble novel open patient plain polite prime proud "
    "quick quiet rapid rare ready robust round serene sharp silver smart snug solar solid sound spare stable steady "
    "still sturdy subtle sunny swift tidy trim true upbeat vivid warm wise witty young zesty"
)
_NOUNS = (
    "acorn alder anchor antelope arch badger bay beacon birch bison bridge brook canyon cedar cliff cloud comet coral "
    "crane creek cricket crow dawn delta dolphin dune eagle elm ember falcon fern finch fjord flint fox gale garnet "
    "glacier grove gull harbor hare hawk hazel heron hill iris island jay kestrel lagoon lake lark laurel ledge lily "
    "linden lotus lynx maple marten meadow mesa moose moss oak orca otter owl peak pebble pine plover pond poplar "
    "quail raven reef ridge river robin rook sage seal shore sparrow spruce stork stream swan thrush tide trout valley "
    "wave willow wolf wren yak"
)


def random_name() -> str:
    return f"{random.choice(_ADJECTIVES.split())}-{random.choice(_NOUNS.split())}-{random.randrange(1000)}"
