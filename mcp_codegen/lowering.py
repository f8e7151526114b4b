"""Catalog → Package: every decision that generated code needs, made once, without touching a disk or a clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from mcp_codegen import calls, clients, metadata, names, pages, policies
from mcp_codegen.checked import CheckedCatalog, Operation, Parameter, is_json
from mcp_codegen.class_sources import source_of
from mcp_codegen.import_sections import standard_imports
from mcp_codegen.listing import Listing, input_keys, is_wrapped, tool_names
from mcp_codegen.literals import literal
from mcp_codegen.modelling import COMMON, Modeller, Root
from mcp_codegen.origins import Origins
from mcp_codegen.package import Argument, Group, Import, Iteration, Keyword, Package, Tool
from mcp_codegen.paging import Paging, paging_of
from mcp_codegen.probing import checkup


def lower(catalog: CheckedCatalog, digest: str, listing: Listing) -> Package:
    """The package that a catalog without problems becomes. digest: of the catalog's content, for the metadata."""
    return _Lowering(catalog, digest, listing).package()


@dataclass(frozen=True)
class _Lowering:
    catalog: CheckedCatalog
    digest: str
    listing: Listing

    def package(self) -> Package:
        about = self.catalog.catalog
        groups = tuple(self._group(self._group_names[tag], tools) for tag, tools in self._tagged.items())
        return Package(
            name=about.name,
            title=about.title or about.name,
            description=about.description,
            version=about.version,
            license=about.license,
            namespace=about.namespace,
            module=f"{about.name.replace('-', '_')}_mcp",
            distribution=f"{about.name.replace('_', '-')}-mcp",
            client=self._client,
            gateway_imports=self._origins.imports,
            origins=self._origins.all,
            settings=self._origins.settings,
            groups=groups,
            model_modules=self._modeller.modules(self._titles),
            calls=clients.calls(groups, self._callers, self._modeller),
            longest_timeout=self._longest_timeout(),
            listing={"tools": self.listing.tools},
            checkup=checkup(self.catalog, self._tool_names, self._origins.settings),
            metadata=metadata.metadata(self.catalog, self.digest, self.listing),
        )

    # --- names -------------------------------------------------------------------------------------

    @cached_property
    def _client(self) -> str:
        return names.client_name(self.catalog.catalog.name)

    @cached_property
    def _tool_names(self) -> dict[str, str]:
        return tool_names(self.catalog)

    @cached_property
    def _functions(self) -> dict[str, str]:
        return names.resolve([one.api.name for one in self.catalog.active], names.snake_case, names.RESERVED_FUNCTIONS)

    @cached_property
    def _iterations(self) -> dict[str, str]:
        """The methods that go through all pages, by the names of their APIs."""
        paged = [one.api.name for one in self.catalog.active if paging_of(one, self.catalog)]
        taken = names.RESERVED_FUNCTIONS | frozenset(self._functions.values())
        return names.resolve(paged, lambda name: f"iter_{self._functions[name]}", taken)

    @cached_property
    def _group_names(self) -> dict[str, str]:
        """The module of each tag, in the order of the tags' first APIs."""
        tags = list(dict.fromkeys(self._tag(one) for one in self.catalog.active))
        return names.resolve(tags, names.snake_case, names.RESERVED_MODULES | {COMMON})

    @cached_property
    def _callers(self) -> dict[str, str]:
        """The class with the client's methods of each group, by the group's module."""
        return clients.class_names(list(self._group_names.values()), self._client)

    @cached_property
    def _titles(self) -> dict[str, str]:
        about = self.catalog.catalog
        untitled = {about.name: about.title or about.name}
        return {module: untitled.get(tag, tag) for tag, module in self._group_names.items()}

    @cached_property
    def _tagged(self) -> dict[str, list[Tool]]:
        """The tools of each tag."""
        tagged: dict[str, list[Tool]] = {tag: [] for tag in self._group_names}
        for one in self.catalog.active:
            tagged[self._tag(one)].append(self._tool(one))
        return tagged

    def _tag(self, one: Operation) -> str:
        return one.api.tags[0] if one.api.tags else self.catalog.catalog.name

    # --- parts -------------------------------------------------------------------------------------

    @cached_property
    def _origins(self) -> Origins:
        return Origins(self.catalog)

    @cached_property
    def _modeller(self) -> Modeller:
        roots: list[Root] = []
        for one in self.catalog.active:
            group = self._group_names[self._tag(one)]
            roots += [Root(group, _taken(one, p), p.schema, "input") for p in one.parameters]
            if one.answer is not None:
                roots.append(Root(group, _given(one), one.answer, "output"))
        reserved = frozenset({self._client}) | {origin.constant for origin in self._origins.all}
        return Modeller(self.catalog.schemas, roots, reserved)

    def _group(self, module: str, tools: Sequence[Tool]) -> Group:
        annotations = [argument.annotation for tool in tools for argument in tool.arguments]
        code = " ".join([*annotations, *(tool.returns for tool in tools)])
        defaults = " ".join(a.default for tool in tools for a in tool.arguments)
        constants = tuple(sorted({tool.origin for tool in tools}, key=names.import_order))
        credentials = " ".join(
            keyword.value for tool in tools for keyword in tool.request if keyword.name == "credential"
        )
        local = [Import("..gateways", constants), *self._modeller.imports(code, "..models")]
        local += self._modeller.base_imports(code, "..runtime")
        local.append(Import("..runtime.context", ("Answer", "Upstream")))
        local += self._origins.credential_imports(credentials)
        words = names.words(" ".join(keyword.value for tool in tools for keyword in tool.request))
        bodies = tuple(sorted(words & calls.BODIES, key=names.import_order))
        local += [Import("..runtime.bodies", bodies)] if bodies else []
        policies = {tool.pages.partition("(")[0] for tool in tools if tool.pages}
        local += [Import("..runtime.paging", tuple(sorted(policies)))] if policies else []
        local += [Import("..runtime.retrying", ("Retry",))] if "Retry" in words else []
        local += [Import("..runtime.styles", ("Styled",))] if "Styled" in words else []
        local += [Import("..runtime.tooling", ("ToolBox",))]
        context = [Import("mcp.server.mcpserver", ("Context",))]
        return Group(module, self._titles[module], tuple(tools), standard_imports(f"{code} {defaults}", local, context))

    def _tool(self, one: Operation) -> Tool:
        answer = one.answer
        wrapped = answer is not None and is_wrapped(answer, self.catalog.schemas)
        returns = self._returns(one)
        arguments = self._arguments(one)
        paging = paging_of(one, self.catalog)
        return Tool(
            name=self._tool_names[one.api.name],
            function=self._functions[one.api.name],
            title=one.api.title or one.api.name,
            doc=one.api.description or one.api.title,
            arguments=arguments,
            origin=self._origins.constant_of(one),
            method=one.method,
            endpoint=one.path,
            returns=returns,
            request=self._request(one, arguments, wrapped=wrapped),
            wrapped=wrapped,
            pages=pages.expression(one, paging, self.catalog.schemas) if paging else "",
            iteration=self._iteration(one, paging) if paging else None,
            flags=_flags(one),
            tags=tuple(one.api.tags),
        )

    def _iteration(self, one: Operation, paging: Paging) -> Iteration:
        item = self._modeller.item(one.answer, _given(one), paging.items)
        return Iteration(self._iterations[one.api.name], item, paging.items)

    def _returns(self, one: Operation) -> str:
        if one.answer is not None:
            return self._modeller.annotation(one.answer, "output", _given(one))
        media_type = one.api.answer_type.partition(";")[0].strip().lower()
        if is_json(media_type):
            return "Any"
        return "str" if media_type.startswith("text/") or media_type.endswith(("+xml", "/xml")) else "bytes"

    def _arguments(self, one: Operation) -> tuple[Argument, ...]:
        keys = input_keys(one)
        labels = [parameter.label for parameter in one.parameters]
        bounds = names.BOUNDS if paging_of(one, self.catalog) else frozenset()
        spelled = names.resolve(labels, names.field_name, names.RESERVED_ARGUMENTS | bounds)
        taken = names.RESERVED_OWN_ARGUMENTS | {self._callers[self._group_names[self._tag(one)]]}
        own = names.resolve(labels, lambda label: names.own_name(label, spelled[label]), taken)
        arguments = [self._argument(one, p, spelled[p.label], own[p.label], keys[p.label]) for p in one.parameters]
        return tuple(sorted(arguments, key=lambda argument: argument.default != ""))

    def _argument(self, one: Operation, parameter: Parameter, name: str, own: str, key: str) -> Argument:
        schema, source = parameter.schema, _taken(one, parameter)
        default = "" if parameter.required else literal(schema.default[0]) if schema.default else "MISSING"
        doc = self._modeller.described_by(schema)
        alias = key if key != name else None
        annotation = self._modeller.described(
            schema, "input", source, optional=default == "MISSING", validation_alias=alias, description=doc or None
        )
        return Argument(
            name=name,
            wire=key,
            spelled=own,
            annotation=annotation,
            type=self._modeller.signature(schema, source, optional=default == "MISSING"),
            default=default,
            doc=doc,
        )

    def _request(self, one: Operation, arguments: Sequence[Argument], *, wrapped: bool) -> tuple[Keyword, ...]:
        names_by_key = {argument.wire: argument.name for argument in arguments}
        by_label = {label: names_by_key[key] for label, key in input_keys(one).items()}
        keywords = list(calls.keywords(one, by_label))
        if one.api.auth is not None:
            keywords.append(Keyword("credential", self._origins.credential(one.api.auth)))
        if one.api.timeout_seconds is not None:
            keywords.append(Keyword("timeout", literal(one.api.timeout_seconds)))
        if one.api.answer_type != calls.JSON:
            keywords.append(Keyword("accept", literal(one.api.answer_type)))
        keywords += policies.of_call(one)
        return (*keywords, Keyword("wrapped", "True")) if wrapped else tuple(keywords)

    # --- the package as a whole --------------------------------------------------------------------

    def _longest_timeout(self) -> float:
        gateways = self.catalog.gateways
        times = [
            one.api.timeout_seconds or gateways[one.gateway].timeout_seconds if one.gateway else 30.0
            for one in self.catalog.active
        ]
        return max(times)


def _given(one: Operation) -> str:
    return source_of("", one.api.name, "", "result")


def _taken(one: Operation, parameter: Parameter) -> str:
    return source_of("", one.api.name, parameter.label)


def _flags(one: Operation) -> tuple[str, ...]:
    known = {
        "read-only": one.read_only,
        "destructive": one.destructive,
        "idempotent": one.idempotent and not one.read_only,
        "deprecated": one.api.deprecated,
    }
    return tuple(name for name, holds in known.items() if holds)
