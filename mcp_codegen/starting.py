"""The catalog that somebody starts with: small, whole, and explained line by line."""

from __future__ import annotations

import json
from typing import Final

from mcp_codegen import names, parsing, source
from mcp_codegen.errors import SettingsError, shown

_STARTER: Final = """\
# yaml-language-server: $schema=../catalog.schema.json
#
# A catalog lists APIs. From it, `mcp-codegen generate` makes an MCP server with one tool for each API, and a typed
# Python client. Put your own APIs in place of the three below; `mcp-codegen add 'curl …'` writes one from a command.
# Every key is explained in docs/catalog.md of mcp-codegen, and by editors that read the schema named above.

name: {name}                  # the package becomes {module}_mcp
title: {title}
description: What these APIs are for. Models read it as the server's instructions.
version: 1.0.0

# Where the APIs live. What stands in ${{…}} comes from the environment; secrets are named here, never written.
gateways:
  main:
    baseUrl: ${{{variable}_BASE_URL}}
    auth: {{type: bearer, env: {variable}_TOKEN}}    # or apiKey, basic, oauth2ClientCredentials, none
    timeoutSeconds: 30

# Types that several APIs use, each a JSON Schema.
schemas:
  Item:
    type: object
    required: [id, name]
    properties:
      id: {{type: integer, description: The item's number.}}
      name: {{type: string, description: What it is called.}}
      status: {{type: string, enum: [open, closed]}}

apis:
  # A list. GET only reads, so hosts may call it without asking.
  - name: list_items
    description: List items, newest first.
    httpMethod: GET
    endpoint: /items
    gateway: main
    inputs:                       # of a GET request they stand in the query
      - name: status
        description: Only those with this status.
        type: string
        enum: [open, closed]
        required: false           # inputs are required unless they say otherwise
      - name: limit
        description: How many to answer at most.
        type: int
        minimum: 1
        maximum: 100
        default: 20
    outputs:                      # the members of the JSON object that is answered
      - name: items
        type: array
        items: {{$ref: '#/schemas/Item'}}
        required: true            # outputs may be missing unless they say otherwise

  # One thing. What stands in braces is an input in the path.
  - name: get_item
    description: Look up one item.
    httpMethod: GET
    endpoint: /items/{{itemId}}
    gateway: main
    inputs:
      - {{name: itemId, description: The item's number., type: int, minimum: 1}}
    output: {{$ref: '#/schemas/Item'}}
    examples:                     # documentation, checked against the types, and what the stand-in answers
      - inputs: {{itemId: 7}}
        output: {{id: 7, name: A first item, status: open}}

  # Something that changes things. Inputs of a POST request stand in its JSON body.
  - name: create_item
    description: Create an item.
    httpMethod: POST
    endpoint: /items
    gateway: main
    destructive: false            # it writes, and destroys nothing
    inputs:
      - {{name: name, description: What it is called., type: string, minLength: 1, maxLength: 80}}
    output: {{$ref: '#/schemas/Item'}}
"""


def starter(name: str, *, as_json: bool = False) -> str:
    """The text of a new catalog. Raises `SettingsError` for what cannot be a catalog's name."""
    if parsing.parse({"name": name, "apis": []}).problems:
        said = f"{shown(name)} cannot be a catalog's name"
        raise SettingsError(
            f"{said}: start with a lower-case letter, go on with letters, digits, '-' and '_', 40 at most"
        )
    words = name.replace("-", " ").replace("_", " ")
    module, variable = name.replace("-", "_"), names.constant_case(name)
    text = _STARTER.format(name=name, module=module, title=words.capitalize(), variable=variable)
    if not as_json:
        return text
    data = {"$schema": "../catalog.schema.json", **source.parse(text.encode(), "starter.yaml").data}
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
