"""A server's routes for the requests of one name, as routes of the model: each with the number of that in which it
stands, so that a path is led through them as the program does it.

What no such request meets is left out: routes of other names, steps that only let a request go on, and what stands
behind an answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count

from engine.model.application.proxy import NOTHING, Action, ProxyRoute
from engine.observe.proxies.caddy.answers import PASSING, answered
from engine.observe.proxies.caddy.conditions import ALWAYS, NEVER, Asker, Tests, condition
from engine.observe.proxies.caddy.rewriting import changed, tested
from engine.observe.proxies.caddy.steps import PATH, RELATIVE
from engine.observe.proxies.caddy.tree import REWRITE, SUBROUTE, CaddyHandler, CaddyRoute, Settings
from engine.records import replace


def flattened(routes: Sequence[CaddyRoute], asker: Asker) -> tuple[ProxyRoute, ...]:
    """The routes that requests of a name meet."""
    flat = _Flat(asker)
    flat.level(routes, 0)
    return tuple(flat.found)


class _Flat:
    def __init__(self, asker: Asker) -> None:
        self.found: list[ProxyRoute] = []
        self._asker = asker
        self._numbers = count(1)
        self._groups: dict[str, int] = {}

    def level(self, routes: Sequence[CaddyRoute], outer: int) -> bool:
        """Adds routes that stand in one (0: in none); gives whether no request comes past them."""
        return any(self._route(each, outer) for route in routes for each in self._by_file(route))

    def _group(self, name: str) -> int:
        if name not in self._groups:
            self._groups[name] = next(self._numbers)
        return self._groups[name]

    def _by_file(self, route: CaddyRoute) -> Iterator[CaddyRoute]:
        """A route for each file that its matchers try, of which the first that is there is taken."""
        if not any("file" in each for each in route.sets):
            yield route
            return
        group = route.group or f"file {next(self._numbers)}"
        for each in route.sets:
            for word in (each.get("file") or {}).get("try_files") or (PATH,) if "file" in each else ("",):
                yield _for_file(replace(route, sets=(each,), group=group), each, str(word))

    def _route(self, route: CaddyRoute, outer: int) -> bool:
        asked = condition(route.sets, self._asker)
        steps = [step for step in route.handlers if step.kind not in PASSING]
        if asked.is_never or not (steps or route.group or route.terminal):
            return False
        if asked.is_known:
            return self._put(route, steps, asked.surely, outer)
        sure = route if route.group else replace(route, group=f"doubt {next(self._numbers)}")
        self._put(sure, steps, asked.surely, outer)
        doubt = ProxyRoute(at=route.at, words=f"a matcher of {', '.join(sorted(set(asked.doubts)))}", within=outer)
        self.found.append(tested(replace(doubt, group=self._group(sure.group)), asked.perhaps))
        return False

    def _put(self, route: CaddyRoute, steps: Sequence[CaddyHandler], tests: Tests, outer: int) -> bool:
        """Adds a route for the paths of some tests; gives whether no request comes past it."""
        if tests == NEVER:
            return False
        plain = ProxyRoute(at=route.at, within=outer, action=Action.INSIDE)
        here = tested(replace(plain, group=self._group(route.group) if route.group else 0), tests)
        if here == plain:
            ended = self._steps(steps, route, outer)
        elif len(steps) == 1 and steps[0].kind not in (SUBROUTE, REWRITE) and not route.terminal:
            self.found.append(answered(steps[0], here))
            return False
        else:
            self.found.append(here)
            plain = replace(plain, within=len(self.found))
            ended = self._steps(steps, route, plain.within)
        if route.terminal and not ended:
            self.found.append(replace(plain, action=Action.ANSWER, words=NOTHING))
        return (ended or route.terminal) and tests == ALWAYS and not route.group

    def _steps(self, steps: Sequence[CaddyHandler], route: CaddyRoute, outer: int) -> bool:
        """Adds what a route does, step by step, until an answer."""
        return any(self._step(step, route, outer) for step in steps)

    def _step(self, step: CaddyHandler, route: CaddyRoute, outer: int) -> bool:
        here = ProxyRoute(at=step.at, within=outer)
        if step.kind == SUBROUTE:
            return self.level(step.routes, outer)
        if step.kind == REWRITE:
            expression: Settings = route.sets[0].get("path_regexp", {}) if len(route.sets) == 1 else {}
            self.found += changed(step, here, expression)
            return False
        self.found.append(answered(step, here))
        return True


def _for_file(route: CaddyRoute, matchers: Settings, word: str) -> CaddyRoute:
    """A route for one of the files that a matcher tries: its rewrites lead there, a status is an answer."""
    if not word:
        return route
    if word.startswith("="):
        rest = {kind: value for kind, value in matchers.items() if kind != "file"}
        step = CaddyHandler("error", {"status_code": word[1:]}, route.at, word)
        return replace(route, sets=(rest,) if rest else (), handlers=(step,))
    there = {**matchers, "file": {**matchers["file"], "try_files": [word]}}
    found = word if word.startswith(("/", PATH)) else f"/{word}"
    steps = tuple(
        replace(step, settings={**step.settings, "uri": str(step.settings["uri"]).replace(RELATIVE, found)})
        if "uri" in step.settings
        else step
        for step in route.handlers
    )
    return replace(route, sets=(there,), handlers=steps)
