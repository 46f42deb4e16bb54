"""Secrets are kept out of all that is captured: by the name of what holds them, and by their look.

What is taken for a secret is replaced by ``[secret]``. A false alarm costs a value in a record; a miss publishes a
key: so in doubt it is one, but for what programs are full of, as calls, types and names.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

REDACTED: Final = "[secret]"

_SECRET_NAMES = """
    secret secrets password passwords passwd passwort pwd passphrase pw token credential credentials cred creds apikey
    accesskey secretkey privatekey authtoken accesstoken cookie cookies auth authorization bearer jwt sas dsn netrc pat
    otp webhook
"""
_SECRET_PAIRED = """
    api_key access_key secret_key private_key account_key signing_key encryption_key master_key ssh_key service_key
    license_key storage_key session_key shared_key subscription_key connection_string connection_str conn_str
    client_secret database_url db_url redis_url broker_url amz_signature goog_signature
"""
_HARMLESS_NAMES = """
    id ids count counts length len size max min num number limit type types index path file dir name names enabled
    policy field column pattern regex prefix suffix mode strategy embedding embeddings mask vocab loss
"""
# Words that make a name one of a secret, alone or beside others: DB_PASSWORD, apiKey, --auth-token.
_SECRET_WORDS = frozenset(_SECRET_NAMES.split())
_SECRET_PAIRS = frozenset(pair.replace("_", " ") for pair in _SECRET_PAIRED.split())
_SECRET_ENDS = ("password", "passwd", "secret")
# The last words of names that are none in spite of those: password_length, token_ids.
_HARMLESS_WORDS = frozenset(_HARMLESS_NAMES.split())
_SECRET_PARAMETERS = frozenset({"sig", "signature", "code", "key", "st", "x-amz-credential", "x-amz-security-token"})

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

_LOOKS = re.compile(
    r"""
      -----BEGIN[ ][A-Z0-9 ]*PRIVATE[ ]KEY-----                           # one line of PEM, escaped line ends and all
        (?:[^"'\n]*?-----END[ ][A-Z0-9 ]*PRIVATE[ ]KEY-----|[^"'\n]*)
    | \b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b                             # AWS
    | \bgh[pousr]_[A-Za-z0-9]{20,}\b | \bgithub_pat_[A-Za-z0-9_]{20,}\b   # GitHub
    | \bgl(?:pat|dt|rt|cbt|ptt|ft|soat)-[A-Za-z0-9_\-.]{20,}              # GitLab
    | \bxox[abeoprs]-[A-Za-z0-9-]{10,} | \bxapp-[A-Za-z0-9-]{10,}         # Slack
    | (?<=hooks\.slack\.com/)(?:services|workflows)/[A-Za-z0-9/_-]+
    | \beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*        # JWT
    | \bAIza[A-Za-z0-9_-]{35} | \bya29\.[A-Za-z0-9_-]{20,} | \bGOCSPX-[A-Za-z0-9_-]{20,}   # Google
    | \b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,} | \bwhsec_[A-Za-z0-9+/=]{20,}          # Stripe
    | \bsk-(?:ant-|proj-|svcacct-|or-)?[A-Za-z0-9_-]{20,}                 # OpenAI, Anthropic
    | \bhf_[A-Za-z0-9]{20,} | \bnpm_[A-Za-z0-9]{30,} | \bpypi-AgE[A-Za-z0-9_-]{20,}
    | \bdapi[0-9a-f]{32}\b | \bdckr_pat_[A-Za-z0-9_-]{20,} | \bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}
    | \bdop_v1_[0-9a-f]{64}\b | \bglsa_[A-Za-z0-9_]{32,} | \bhv[sb]\.[A-Za-z0-9_-]{20,}
    | \bAGE-SECRET-KEY-1[A-Z0-9]{20,}
    | \btbk_[A-Za-z0-9_-]{20,}                                            # trackback's own
    """,
    re.VERBOSE,
)
_PEM_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----")
_PEM_END = re.compile(r"-----END [A-Z0-9 ]*PRIVATE KEY-----")
_USERINFO = re.compile(r"(?<=://)[^\s/?#\"'<>@]*:?[^\s/?#\"'<>]*@(?=[\w.\[-])")
_HEADER = re.compile(r"(?i)\b((?:bearer|basic|token)\s+)([A-Za-z0-9+/._~=-]{16,})")
_PARAMETER = re.compile(r"([?&;])([\w.%-]{1,60})=([^&\s\"'#;]+)")
# name = "value", "name": "value", name: value, NAME=value; the quote around a value may be escaped, as in JSON.
_ASSIGNMENT = re.compile(
    r"""(?P<name>[A-Za-z_][\w.-]{0,80})(?P<close>\\?["']?\]?)(?P<sign>\s*(?::[ ]*\w+[ ]*=|:=|=>|[:=])\s*)
        (?:(?P<mark>[rbuf]{0,2}\\?(?P<quote>["']))(?P<quoted>(?:(?!\\?(?P=quote)).){1,4000})|(?P<bare>[^\s"'\\,;(){}\[\]]+(?=[\s,;)}\]\\]|$)))""",
    re.VERBOSE,
)
_PYTHON = re.compile(
    r"(?i)none|null|true|false|str|int|float|bool|bytes|any|optional|string|[\d.]{1,5}|\$\S*|<\S*>|\*+|%\S*|"
    r"[a-z_]\w*(?:\.[a-z_]\w*)+|\[secret\]"
)
_DENSE = re.compile(r"[A-Za-z0-9+/_=-]{24,200}")
_DENSE_RUN = re.compile(r"[A-Za-z0-9+]{20,}")
_DENSE_BITS = 3.9

# A line is looked at closely only if it has one of these: most have none, and to look takes a microsecond a character.
_MARKS = (
    *(
        "PRIVATE KEY",
        "AKIA",
        "ASIA",
        "ABIA",
        "ACCA",
        "ghp_",
        "gho_",
        "ghu_",
        "ghs_",
        "ghr_",
        "github_pat_",
        "glpat-",
        "gldt-",
    ),
    *(
        "glrt-",
        "glcbt-",
        "glptt-",
        "glft-",
        "glsoat-",
        "xox",
        "xapp-",
        "hooks.slack.com/",
        "eyJ",
        "AIza",
        "ya29.",
        "GOCSPX-",
    ),
    *(
        "_live_",
        "_test_",
        "whsec_",
        "sk-",
        "hf_",
        "npm_",
        "pypi-",
        "dapi",
        "dckr_pat_",
        "SG.",
        "dop_v1_",
        "glsa_",
        "hvs.",
    ),
    *("hvb.", "AGE-SECRET-KEY-", "tbk_"),
)
_STEMS = (
    *("secret", "passw", "passphrase", "pwd", "pw", "token", "cred", "key", "cookie", "auth", "bearer", "basic", "jwt"),
    *("sas", "dsn", "netrc", "pat", "otp", "webhook", "conn", "url"),
)
_DENSE_LITERAL = re.compile(r"""["'][A-Za-z0-9+/_=-]{24,200}\\?["']""")
_PIECE = 16_384  # a longer line is looked at in pieces, so that other threads get their turn


def is_secret_name(name: str) -> bool:
    """Whether a variable, an option or a key with this name holds a secret: ``DB_PASSWORD``, ``--api-key``."""
    words = [word.lower() for word in _WORDS.findall(name)]
    if not words or words[-1] in _HARMLESS_WORDS:
        return False
    if any(word in _SECRET_WORDS or word.endswith(_SECRET_ENDS) for word in words):
        return True
    joined = f" {' '.join(words)} "
    return any(f" {pair} " in joined for pair in _SECRET_PAIRS)


def looks_secret(value: str) -> bool:
    """Whether a value by itself has the look of a secret: a key of a known format, a password in a URL, random text."""
    return redact(value) != value or _is_dense(value)


def without_credentials(uri: str) -> str:
    """A URI as it may be shown: no user and password before its host, no signatures and keys in its query.

    The user of ``ssh://git@host/…`` and ``git@host:…`` stays.
    """
    scheme, mark, rest = uri.partition("://")
    if mark and scheme in ("ssh", "git+ssh"):
        user, at, place = rest.partition("@")
        rest = f"{user.partition(':')[0]}{at}{place}"
    elif mark:
        head, slash, tail = rest.partition("/")
        rest = head.rpartition("@")[2] + slash + tail
    return _PARAMETER.sub(_parameter, scheme + mark + rest)


def redact_arguments(arguments: Sequence[str]) -> tuple[str, ...]:
    """A command line without secrets: neither ``--token=…`` nor ``--token …`` nor what looks like one."""
    found: list[str] = []
    hide = False
    for argument in arguments:
        option, equals, _ = argument.partition("=")
        is_option = option.startswith("-")
        if hide and not is_option:
            found.append(REDACTED)
        elif is_option and equals and is_secret_name(option):
            found.append(f"{option}={REDACTED}")
        else:
            found.append(REDACTED if _is_dense(argument) else redact(argument))
        hide = is_option and not equals and is_secret_name(option)
    return tuple(found)


def redact(text: str) -> str:
    """A text of code, a diff or a notebook without secrets. Its lines stay as many."""
    return "".join(redacted_lines(text))


def redacted_lines(text: str) -> Iterator[str]:
    """As ``redact``, a line at a time, so that other threads get their turn meanwhile."""
    marks = tuple(mark for mark in _MARKS if mark in text)
    lower = text.lower()
    stems = tuple(stem for stem in _STEMS if stem in lower)
    in_key = False
    for line in _pieces(text):
        if in_key:
            in_key = not _PEM_END.search(line)
            yield _blank(line)
            continue
        if any(mark in line for mark in marks):
            in_key = bool(_PEM_BEGIN.search(line)) and not _PEM_END.search(line) and "\\n" not in line
            line = _LOOKS.sub(REDACTED, line)
        yield _redact_line(line, stems)


def _pieces(text: str) -> Iterator[str]:
    for line in text.splitlines(keepends=True):
        start = 0
        while len(line) - start > _PIECE:
            stop = max(line.rfind(mark, start, start + _PIECE) for mark in " ,;")
            stop = stop + 1 if stop > start else start + _PIECE
            yield line[start:stop]
            start = stop
        yield line[start:]


def _blank(line: str) -> str:
    """A line within a key; what marks it in a diff, and its end, stay."""
    mark = line[0] if line[0] in "+- " else ""
    return f"{mark}{REDACTED}{line[len(line.rstrip()) :]}"


def _redact_line(line: str, stems: Sequence[str]) -> str:
    if "://" in line:
        line = _USERINFO.sub(f"{REDACTED}@", line)
        line = _PARAMETER.sub(_parameter, line)
    lower = line.lower()
    if any(stem in lower for stem in stems):
        line = _HEADER.sub(rf"\1{REDACTED}", line)
    elif not _DENSE_LITERAL.search(line):
        return line
    return _ASSIGNMENT.sub(_assignment, line) if ":" in line or "=" in line else line


def _parameter(match: re.Match[str]) -> str:
    name = match[2].lower()
    secret = name in _SECRET_PARAMETERS or is_secret_name(name)
    return f"{match[1]}{match[2]}={REDACTED}" if secret else match[0]


def _assignment(match: re.Match[str]) -> str:
    value = match["quoted"] or match["bare"]
    named = is_secret_name(match["name"])
    if match["quoted"]:
        secret = (named and not _is_placeholder(value)) or _is_dense(value)
    else:
        secret = named and not _PYTHON.fullmatch(value) and not _says_its_name(match["name"], value)
    if not secret:
        return match[0]
    return f"{match['name']}{match['close']}{match['sign']}{match['mark'] or ''}{REDACTED}"


def _is_placeholder(value: str) -> bool:
    return value == REDACTED or bool(re.fullmatch(r"\$\{?\w+\}?|<[\w .-]*>|\{\w*\}|%\(?\w*\)?s?|\*+|\.{3}", value))


def _says_its_name(name: str, value: str) -> bool:
    """``token=token``, ``password = get_password``: a name in a program, no value."""
    return value.isidentifier() and (
        value.lower() == name.lower() or is_secret_name(value) or (value.islower() and "_" in value)
    )


def _is_dense(value: str) -> bool:
    """Random text: upper and lower case and digits mixed, with many bits a character. Digests in hex are not it."""
    if not _DENSE.fullmatch(value) or not _DENSE_RUN.search(value):
        return False
    kinds = (str.isupper, str.islower, str.isdigit)
    if not all(any(kind(character) for character in value) for kind in kinds):
        return False
    counts = Counter(value).values()
    return -sum(count / len(value) * math.log2(count / len(value)) for count in counts) >= _DENSE_BITS
