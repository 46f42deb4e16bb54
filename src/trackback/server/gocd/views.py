"""Forms for GoCD's pages, which are AngularJS templates: an input for each field, and its error beside it."""

from html import escape
from typing import NamedTuple

_INPUT = """\
<div class="form_item_block">
  <label>{title}:{mark}</label>
  <input type="{type}" ng-model="{key}" ng-required="{required}" placeholder="{default}">
  <span class="form_error" ng-show="GOINPUTNAME[{key}].$error.server">{{{{ GOINPUTNAME[{key}].$error.server }}}}</span>
  <p class="form-help-text">{help}</p>
</div>
"""


class Input(NamedTuple):
    """A field of a form. ``default`` is what an empty one stands for."""

    key: str
    title: str
    help: str
    required: bool = False
    secure: bool = False
    default: str = ""


def view(inputs: tuple[Input, ...]) -> str:
    """A template. GoCD knows what people type by the field's key, and puts what is wrong with it beside it."""
    return "".join(
        _INPUT.format(
            title=escape(each.title),
            mark='<span class="asterix">*</span>' if each.required else "",
            type="password" if each.secure else "text",
            key=each.key,
            required="true" if each.required else "false",
            default=escape(each.default),
            help=escape(each.help),
        )
        for each in inputs
    )
