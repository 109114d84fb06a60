# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page as a Jinja template; every value in it but style and script is escaped, because names come from hosts and from other people."""

from __future__ import annotations

TEMPLATE = """\
{%- macro bar(parts) %}
<svg class="bar" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true"><rect class="free" width="1000" height="10"/>
{%- for kind, start, width in parts | drawn %}<rect class="{{ kind }}" x="{{ start }}" width="{{ width }}" height="10"/>{% endfor %}</svg>
<div class="parts"><span><b>{{ parts.free | number }} free</b> of {{ parts.size | number }}</span>
{%- for kind in ("used", "new", "reserved") if parts | attr(kind) %} <span>{{ parts | attr(kind) | number }} {{ kind }}</span>{% endfor %}</div>
{%- endmacro -%}
{%- macro weights(server) %}
<table class="weights"><caption class="dim">What each weigher adds, of the number that it weighs</caption>
<thead><tr><th scope="col">Host</th><th scope="col" class="number">Weight</th>
{%- for name in server.weighers %}<th scope="col" class="number">{{ name | replace("Weigher", "") }}</th>{% endfor %}</tr></thead><tbody>
{% for host in server.weighed %}<tr><th scope="row">{{ host.host }}</th><td class="number">{{ "%.3f" | format(host.weight) }}</td>
{%- for name in server.weighers %}<td class="number">{% if name in host.weights %}{{ "%+.3f" | format(host.weights[name].multiplied) }}
 <span class="dim">of {{ "%g" | format(host.weights[name].raw) }}</span>{% endif %}</td>{% endfor %}</tr>
{% endfor %}</tbody></table>
{%- endmacro -%}
{%- macro head(text, sort="none", class="") %}<th scope="col" aria-sort="{{ sort }}" class="{{ class }}"><button type="button">{{ text }}</button></th>
{%- endmacro -%}
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src '{{ style_hash }}'; script-src '{{ script_hash }}'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<link rel="icon" href="data:,">
<style>{{ style | safe }}</style>
</head>
<body>
<header>
<h1>{{ title }}</h1>
<p class="dim">{{ when }}{% for state, count in states %} · {{ count }} {{ state }}{% endfor %}</p>
<nav class="dim"><a href="#servers">Servers</a>{% if hosts %} · <a href="#hosts">Hosts</a>{% endif %}
{%- if requests %} · <a href="#requests">Why nowhere else</a>{% endif %}</nav>
</header>
{% if hosts %}
<section aria-label="The whole fleet">
<div class="totals">
{% for resource, parts in totals.items() %}<div><h2>{{ resource }}</h2>{{ bar(parts) }}</div>
{% endfor %}</div>
<ul class="legend">
{% for kind, text in legend %}<li><svg viewBox="0 0 1 1" aria-hidden="true"><rect class="{{ kind }}" width="1" height="1"/></svg>{{ text }}</li>
{% endfor %}</ul>
</section>
{% endif %}
<div class="tools"><label for="search">Search</label><input id="search" type="search" autocomplete="off" spellcheck="false"
 placeholder="server, host, zone, address, reason …"><span id="found" class="dim" role="status"></span></div>
<section id="servers" aria-labelledby="servers-title">
<h2 id="servers-title">Servers</h2>
<table class="servers">
<thead><tr>{{ head("Server", class="name") }}{{ head("State", class="state") }}{{ head("Host") }}{{ head("Zone") }}{{ head("Flavor") }}
{{- head("Addresses", class="address") }}</tr></thead>
{% for server in servers %}{% set row = server.row %}
<tbody data-find="servers">
<tr><th scope="row">{{ row.name }}</th><td class="{{ row.state | mood }}">{{ row.state }}</td><td>{{ row.host or "nowhere" }}</td>
<td>{{ row.zone or "" }}</td><td>{{ server.flavor }}</td>
<td>{% for network, found in row.addresses.items() %}{% for address in found %}
{{- address | shown }} <span class="dim">{{ network }}</span><br>{% endfor %}
{%- endfor %}</td></tr>
<tr class="why"><td colspan="6"><details class="print"><summary>Why {{ row.host or "nowhere" }}: {{ server.why }}</summary>
{% if row.error and row.host %}<p class="is-bad">{{ row.error.error_class }}: {{ row.error.message }}</p>
{% endif %}{% for attempt in row.attempts %}<p>Tried {{ attempt.host }} ({{ attempt.stage }}): {{ attempt.error }}</p>
{% endfor %}{% for drift in row.drift %}<p>{{ drift.path }} differs from the request ({{ drift.remedy }})</p>
{% endfor %}{% for warning in row.warnings %}<p>{{ warning }}</p>
{% endfor %}{% if server.weighed %}{{ weights(server) }}
{% endif %}{% if server.left %}<p class="dim">and {{ server.left | number }} more hosts</p>
{% endif %}{% if server.alternates %}<p>Next in line: {{ server.alternates | join(", ") }}</p>
{% endif %}<p class="dim">{% if server.image %}Image {{ server.image }} · {% endif %}id {{ row.id }} · domain {{ row.domain }} · project {{ row.project }}</p>
{% if server.request %}<p class="jump"><a href="#{{ server.request }}">Why not the other hosts</a></p>
{% endif %}</details></td></tr>
</tbody>
{% endfor %}</table>
</section>
{% if hosts %}
<section id="hosts" aria-labelledby="hosts-title">
<h2 id="hosts-title">Hosts</h2>
<table class="hosts">
<thead><tr>{{ head("Host", class="name") }}{{ head("Zone", class="zone") }}{{ head("New servers", class="new") }}
{%- for resource in totals %}{{ head(resource ~ " free") }}{% endfor %}</tr></thead>
{% for host in hosts %}
<tbody data-find="hosts"><tr><th scope="row">{{ host.name }}</th><td>{{ host.zone }}</td>
<td data-value="{{ host.servers | length }}">{% if host.servers %}{{ host.servers | length }}:
{%- for name in host.servers[:most_named] %} <span class="whole">{{ name }}{{ "," if not loop.last }}</span>{% endfor %}
{%- if host.servers | length > most_named %} …{% endif %}{% endif %}
{%- if host.note %}{% if host.servers %}<br>{% endif %}<span class="is-bad">{{ host.note }}</span>{% endif %}</td>
{% for resource in totals %}<td data-value="{{ host.bars[resource].free if host.bars else -1 }}">
{%- if host.bars %}{{ bar(host.bars[resource]) }}{% endif %}</td>
{% endfor %}</tr></tbody>
{%- endfor %}
</table>
</section>
{% endif %}{% if requests %}
<section id="requests" aria-labelledby="requests-title">
<h2 id="requests-title">Why nowhere else</h2>
<p class="dim">How many hosts are out by which filter or resource</p>
{% for request in requests %}
<details id="{{ request.id }}" class="print">
<summary><b>{{ request.names[:most_named] | join(", ") }}{% if request.names | length > most_named %} … ({{ request.names | length }}){% endif %}</b>:
{% for group in request.out %}{{ group.hosts | length | number }} {{ group.by }}{{ ", " if not loop.last }}{% else %}no host is out{% endfor %}
{%- if request.omitted %}; {{ request.omitted | number }} more hosts are out that are not listed{% endif %}</summary>
{% if request.message %}<p class="is-bad">{{ request.message }}</p>
{% endif %}{% for group in request.out %}
<details{% if group.hosts | length <= most_open %} open class="print"{% endif %}><summary>{{ group.by }} ({{ group.hosts | length | number }})</summary>
<table class="reasons">
<thead><tr>{{ head("Host", class="name") }}{{ head("Why not") }}</tr></thead>
{% for host, why in group.hosts %}<tbody data-find="reasons"><tr><th scope="row">{{ host }}</th><td>{{ why }}</td></tr></tbody>
{% endfor %}</table>
</details>
{% endfor %}</details>
{% endfor %}</section>
{% endif %}
<script>{{ script | safe }}</script>
</body>
</html>
"""
