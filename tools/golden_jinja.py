"""Writes tests/golden/jinja.json: templates, and the texts that Jinja2 makes of them in transformers' environment.

The environment is the one of transformers.utils.chat_template_utils (4.57): sandboxed, with its extension for
`generation`, loop controls, `tojson`, `raise_exception` and `strftime_now` (here on 26 July 2024). An error has the
text null. Needs jinja2 only: python tools/golden_jinja.py
"""

import datetime
import json
import pathlib

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

VALUES = {
    "messages": [
        {"role": "system", "content": " Be brief. "},
        {"role": "user", "content": "Hi <b> & 'you' \"there\" é 🙂"},
        {"role": "assistant", "content": "Hello\nthere"},
        {"role": "user", "content": "Bye"},
    ],
    "tools": None,
    "documents": None,
    "add_generation_prompt": True,
    "bos_token": "<s>",
    "eos_token": "</s>",
    "number": 3,
    "data": {"b": [1, 2.5, None, True], "a": {"é": "\u2028 \\ \"\t"}, "c": 1e16, "d": 1e-5, "e": []},
}

TEMPLATES = [
    # white space: trim_blocks, lstrip_blocks, one final line break removed
    "a\n{% if true %}\nb\n{% endif %}\nc\n",
    "a\n   {% if true %}\n  b\n   {% endif %}  \nc\n\n",
    "  {{ number }}\n  {#- a comment -#}\n  {# another #}\nx",
    "{%- for m in messages -%}\n  {{ m.role }}\n{%- endfor %}\n",
    "{% raw %}{{ a }}{% endraw %}\nb",
    "a {%+ if true %} b {% endif +%} c",
    # the tag of assistant tokens
    "{% for m in messages %}{% if m.role == 'assistant' %}{% generation %}{{ m.content }}{% endgeneration %}{% endif %}\n{% endfor %}",
    "a\n{%- generation -%}\n b \n{%- endgeneration -%}\nc",
    "a\n  {% generation %}\nb\n  {% endgeneration %}\nc",
    "{% set x = 1 %}{% generation %}{% set x = 2 %}{{ x }}{% endgeneration %}{{ x }}",
    "{% generation %}{{ 'generation' }} generation{% endgeneration %}{{ {'generation': 1}.generation }}",
    # loop controls and loops
    "{% for m in messages %}{% if loop.index0 == 1 %}{% continue %}{% endif %}{% if loop.last %}{% break %}{% endif %}{{ m.role }}{% endfor %}",
    "{% for m in messages %}{{ loop.index }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.length }}{{ loop.cycle('x', 'y') }}{% if loop.previtem %}{{ loop.previtem.role }}{% endif %}{% if loop.nextitem %}{{ loop.nextitem.role }}{% endif %}{% endfor %}",
    "{% for k, v in messages[1].items() %}{{ k }}={{ v }};{% endfor %}{% for k in data %}{{ k }}{% endfor %}",
    "{% for x in [] %}a{% else %}b{% endfor %}{% for x in messages if x.role == 'user' %}{{ x.content }}{% endfor %}",
    "{% for x in range(2, 9, 3) %}{{ x }}{% endfor %}{{ range(3) | list }}",
    # values that transformers passes
    "{{ bos_token }}{{ eos_token }}{{ tools is none }}{{ documents is none }}{{ tools is defined }}{{ unk_token is defined }}",
    "{% if tools is not none %}tools{% else %}no tools{% endif %}{% if add_generation_prompt %}go{% endif %}",
    "{{ nothing }}|{{ nothing is defined }}|{{ nothing | default('d') }}|{% for x in nothing %}{% endfor %}",
    "{{ nothing.at }}",
    "{{ messages[0]['nothing'] }}|{{ messages[0].get('nothing') }}|{{ messages[0].get('nothing', 'd') }}",
    "{{ messages[7] }}|{{ messages[-1].content }}|{{ messages[1:3] | length }}|{{ messages[::-1][0].role }}",
    # functions
    "{{ raise_exception('no') }}",
    "{{ strftime_now('%d %b %Y') }}|{{ strftime_now('%Y-%m-%d') }}|{{ strftime_now('%A, %B %-d, %Y %j %y %H:%M') }}",
    "{% if strftime_now is defined %}{{ strftime_now('%e %a') }}{% endif %}",
    "{% set ns = namespace(a=1, b=[]) %}{% for m in messages %}{% set ns.a = ns.a + 1 %}{% set ns.b = ns.b + [m.role] %}{% endfor %}{{ ns.a }}{{ ns.b }}",
    "{{ dict(a=1, b='x') }}{{ dict({'a': 1}, b=2) }}",
    "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{% set j = joiner(', ') %}{{ j() }}x{{ j() }}y",
    "{% macro f(a, b='d') %}[{{ a }}{{ b }}]{% endmacro %}{{ f(1) }}{{ f(1, b=2) }}{% call(x) f(3) %}{% endcall %}",
    "{% macro f() %}<{{ caller() }}>{% endmacro %}{% call f() %}in{% endcall %}",
    "{% set x %}block {{ number }}{% endset %}{{ x | upper }}{% filter upper %}f{% endfilter %}{% with y = 2 %}{{ y }}{% endwith %}",
    # tojson
    "{{ messages | tojson }}",
    "{{ data | tojson }}",
    "{{ data | tojson(indent=2) }}",
    "{{ data | tojson(indent=4, sort_keys=True) }}",
    "{{ data | tojson(ensure_ascii=True) }}",
    "{{ data | tojson(separators=(',', ':')) }}",
    "{{ data | tojson(False, 1, ('; ', '= '), True) }}",
    "{{ [1e20, 0.1, -0.0, 123456789012345678, 1e15, 1.5e-7, 100.0] | tojson }}{{ none | tojson }}{{ 'a' | tojson }}{{ {1: 2, true: 3} | tojson }}",
    "{{ nothing | tojson }}",
    "{{ '\u007f\u0001\u2028é🙂</script>' | tojson }}{{ '\u007f\u0001\u2028é🙂' | tojson(ensure_ascii=True) }}",
    # methods
    "{{ '  a b '.strip() }}|{{ 'xxaxx'.strip('x') }}|{{ ' a '.lstrip() }}|{{ ' a '.rstrip() }}|",
    "{{ 'a,b,c'.split(',') }}{{ ' a  b '.split() }}{{ 'a,b,c'.split(',', 1) }}{{ 'a,b,c'.rsplit(',', 1) }}{{ ' a b  c '.rsplit(None, 1) }}",
    "{{ 'abc'.startswith('a') }}{{ 'abc'.endswith(('x', 'c')) }}{{ 'abc'.find('c') }}{{ 'abcb'.rfind('b') }}{{ 'abc'.index('b') }}",
    "{{ 'abc'.removeprefix('a') }}{{ 'abc'.removesuffix('c') }}{{ 'a-b-c'.partition('-') }}{{ 'a-b-c'.rpartition('-') }}",
    "{{ 'aBc'.upper() }}{{ 'aBc'.lower() }}{{ 'abc def'.title() }}{{ 'abc'.capitalize() }}{{ 'aBc'.swapcase() }}",
    "{{ 'abab'.replace('a', 'x') }}{{ 'abab'.replace('a', 'x', 1) }}{{ 'abab'.count('ab') }}{{ '-'.join(['a', 'b']) }}",
    "{{ 'a'.ljust(3) }}|{{ 'a'.rjust(3, '.') }}|{{ 'ab'.center(5, '*') }}|{{ 'a'.center(4) }}|{{ '-7'.zfill(4) }}|{{ '7'.zfill(3) }}",
    "{{ 'a\\nb\\r\\nc\\x0bd\\n'.splitlines() }}{{ 'a\\nb\\n'.splitlines(true) }}",
    "{{ '12'.isdigit() }}{{ 'a1'.isalnum() }}{{ 'a'.isalpha() }}{{ ' '.isspace() }}{{ 'A'.isupper() }}{{ 'a'.islower() }}{{ '1'.isdecimal() }}",
    "{{ '{} {x}'.format(1, x=2) }}{{ '%s-%d' | format('a', 3) }}",
    "{{ data.keys() | list }}{{ data.values() | list | length }}{{ [1, 2, 1].count(1) }}{{ [1, 2].index(2) }}",
    "{{ messages.append(1) }}",
    "{{ data.update({}) }}",
    "{{ ''.__class__ }}",
    # operators and filters
    "{{ 7 // 2 }}{{ 7 / 2 }}{{ -7 % 3 }}{{ 2 ** 3 }}{{ 'a' ~ 1 ~ none ~ true }}{{ 'a' * 3 }}{{ [1] + [2] }}{{ [1] * 2 }}",
    "{{ 1 if number > 2 else 0 }}{{ 'x' if false }}{{ 'a' in 'abc' }}{{ 1 not in [2] }}{{ 1 < number < 5 }}{{ not true }}",
    "{{ 'a' + 1 }}",
    "{{ true }}{{ none }}{{ 1.0 }}{{ [1, 'a', none, true, 2.5] }}{{ {'a': 'b', 'c': [1]} }}{{ ('a', 1) }}",
    "{{ messages | map(attribute='role') | join(', ') }}{{ messages | selectattr('role', 'equalto', 'user') | list | length }}{{ messages | rejectattr('role', 'equalto', 'user') | map(attribute='role') | list }}",
    "{{ ' a ' | trim }}|{{ 'a' | upper }}{{ 'A' | lower }}{{ 'ab' | capitalize }}{{ 'ab' | length }}{{ [3, 1, 2] | sort }}{{ [1, 2] | first }}{{ [1, 2] | last }}{{ [1, 1, 2] | unique | list }}",
    "{{ 'a\\nb' | indent(2) }}|{{ 'a\\nb' | indent(width=2, first=true) }}|{{ 'abc' | replace('b', 'x') }}|{{ 'x' | center(4) }}|{{ 'a b' | wordcount }}",
    "{{ data | dictsort | length }}{{ [1, 2, 3, 4] | batch(3) | list }}{{ 3.7 | int }}{{ '3' | int }}{{ '2.5' | float }}{{ -2 | abs }}{{ 2.567 | round(1) }}{{ [1, 2] | sum }}{{ [1, 2] | max }}{{ 'abc' | list }}",
    "{{ 'a<b' | escape }}{{ 'a<b' }}{{ 'x' | string }}{{ 'abc' | reverse }}{{ [1, 2] | reverse | list }}{{ '' | default('d', true) }}",
    "{{ messages is iterable }}{{ messages is mapping }}{{ data is mapping }}{{ 'a' is string }}{{ 1 is number }}{{ messages is sequence }}{{ none is none }}{{ 3 is odd }}{{ 4 is divisibleby 2 }}{{ true is boolean }}{{ raise_exception is callable }}{{ number is integer }}",
    # published templates, shortened
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    "{{- bos_token }}\n{%- if not date_string is defined %}\n    {%- if strftime_now is defined %}\n        {%- set date_string = strftime_now(\"%d %b %Y\") %}\n    {%- else %}\n        {%- set date_string = \"26 Jul 2024\" %}\n    {%- endif %}\n{%- endif %}\n{%- if messages[0]['role'] == 'system' %}\n    {%- set system_message = messages[0]['content']|trim %}\n    {%- set messages = messages[1:] %}\n{%- endif %}\n{{- \"Today Date: \" + date_string + \"\\n\\n\" + system_message }}\n{%- for message in messages %}\n    {{- '<|' + message['role'] + '|>\\n\\n'+ message['content'] | trim + '<|eot|>' }}\n{%- endfor %}\n",
    "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'] %}{% endif %}{% for message in loop_messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}{% if loop.index0 == 0 and system_message != false %}{% set content = '<<SYS>>' + system_message + '<</SYS>>' + message['content'] %}{% else %}{% set content = message['content'] %}{% endif %}{{ content }}{% endfor %}",
    "{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}\n{%- for message in messages[::-1] %}\n    {%- set index = (messages|length - 1) - loop.index0 %}\n    {%- if ns.multi_step_tool and message.role == \"user\" and message.content is string and not(message.content.startswith('<tool>') and message.content.endswith('</tool>')) %}\n        {%- set ns.multi_step_tool = false %}\n        {%- set ns.last_query_index = index %}\n    {%- endif %}\n{%- endfor %}{{ ns.last_query_index }}{%- for message in messages %}{{ message.content.split('e')[-1].lstrip('\\n') }}{%- endfor %}",
]


class Generation(jinja2.ext.Extension):
    tags = {"generation"}

    def parse(self, parser):
        lineno = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_support"), [], [], body).set_lineno(lineno)

    def _support(self, caller):
        return caller()


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


environment = ImmutableSandboxedEnvironment(
    trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols]
)
environment.filters["tojson"] = tojson
environment.globals["raise_exception"] = raise_exception
environment.globals["strftime_now"] = datetime.datetime(2024, 7, 26).strftime


def text(template):
    try:
        return environment.from_string(template).render(**VALUES)
    except Exception as error:  # noqa: BLE001 the kind of error is not compared
        print("error", repr(error)[:100], "in", template[:60].encode("ascii", "replace"))
        return None


cases = [{"template": template, "text": text(template)} for template in TEMPLATES]
path = pathlib.Path(__file__).parent.parent / "tests" / "golden" / "jinja.json"
path.write_text(json.dumps({"values": VALUES, "cases": cases}, indent=1, ensure_ascii=True) + "\n")
