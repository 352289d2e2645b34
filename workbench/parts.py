"""The parts of the workbench, and who does what: each row of the table of actions, and each thing that is told."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from views.verdict.ask import Ask
from workbench.controllers.fixes import Fixes
from workbench.controllers.guide import Guide
from workbench.controllers.hands import Hands
from workbench.controllers.moments import Moments
from workbench.controllers.navigation import Navigation
from workbench.controllers.notices import Notices
from workbench.controllers.offering import Offering
from workbench.controllers.packet_walk import PacketWalk
from workbench.controllers.prompts import Prompts
from workbench.controllers.proofs import Proofs, Proved, Prover
from workbench.controllers.questions import Questions
from workbench.controllers.selected import Selected
from workbench.controllers.stage import Stage
from workbench.controllers.suppositions import Suppositions
from workbench.controllers.surveys import Exported, Gridded, Surveyed, Surveys
from workbench.controllers.thinking import Ended, Thinking
from workbench.controllers.traffic import Metered, Traffic
from workbench.labs.labs import Labs
from workbench.screen.panes import Panes
from workbench.screen.progress import Progress
from workbench.screen.prompt import FilterPrompt, LinePrompt, WhyPrompt
from workbench.screen.time_strip import TimeStrip
from workbench.session.comparing import Compared
from workbench.session.describing import Described
from workbench.session.messages import (
    Answered,
    Boarded,
    Changed,
    Flipped,
    Looked,
    Reading,
    Supposed,
    Told,
    Unanswerable,
    Unchanged,
)
from workbench.session.sources import Source


class Parts:
    """The controllers on one stage; `look_at` looks at another source, with a question that is asked at once."""

    def __init__(self, stage: Stage, prover: Prover, look_at: Callable[[Source, Ask | None], object]) -> None:
        self.notices = Notices(stage.app)
        self.prompts = Prompts(stage)
        self.thinking = Thinking(stage)
        self.proofs = Proofs(stage, self.prompts, prover)
        self.questions = Questions(stage, self.prompts, self.proofs, lambda ask: self.labs.dojo.look(ask))
        self.moments = Moments(stage, self.thinking)
        self.surveys = Surveys(stage, self.prompts, self.questions, self.thinking)
        self.suppositions = Suppositions(stage, self.prompts)
        self.fixes = Fixes(stage, self.proofs, self.suppositions, self.questions.ask)
        self.guide = Guide(stage)
        self.offering = Offering(stage, self.questions.ask)
        self.walk = PacketWalk(stage)
        self.hands = Hands(stage)
        self.selected = Selected(stage, self.thinking, self.suppositions, self.walk)
        self.navigation = Navigation(stage, self.prompts, self.moments, self.suppositions, self.guide)
        self.traffic = Traffic(stage)
        self.labs = Labs(stage, self.prompts, self.questions, look_at)

    def verbs(self) -> dict[str, Callable[[], object]]:
        """What each row of the table of actions does, but for what is of the app alone."""
        go, moments, labs = self.navigation, self.moments, self.labs
        return {
            "why": self.questions.prompt,
            "jump": go.jump,
            "prove": self.proofs.prove,
            "everywhere": self.surveys.everywhere,
            "matrix": self.surveys.matrix,
            "export": self.surveys.export,
            "copy": self.fixes.copy,
            "issue": self.hands.issue,
            "shell": self.hands.shell,
            "capture": self.hands.capture,
            "apply": self.fixes.apply,
            "undo": self.fixes.undo,
            "log": self.fixes.log,
            "tour": self.guide.start,
            "notices": self.notices.show,
            "labs": lambda: labs.menu.open(),
            "lab.add.container": lambda: labs.menu.add("container"),
            "lab.add.network": lambda: labs.menu.add("network"),
            "lab.add.publish": lambda: labs.menu.add("publish"),
            "lab.add.client": lambda: labs.menu.add("client"),
            "lab.remove": lambda: labs.menu.remove(),
            "lab.break": lambda: labs.menu.break_it(),
            "lab.dojo": lambda: labs.dojo.open(),
            "lab.mend": lambda: labs.menu.mend(),
            "lab.save": lambda: labs.menu.save(),
            "lab.down": lambda: labs.menu.down(),
            "lab.gallery": lambda: labs.menu.gallery(),
            "lab.file": lambda: labs.menu.file(),
            "lab.form": lambda: labs.menu.form(),
            "filter": self.prompts.ask_filter,
            "pane.1": partial(go.pane, "topology"),
            "pane.2": partial(go.pane, "rules"),
            "pane.3": partial(go.pane, "path"),
            "pane.4": partial(go.pane, "answer"),
            "pane.next": partial(go.next_pane, 1),
            "pane.previous": partial(go.next_pane, -1),
            "zoom": go.zoom,
            "unfold": self.selected.act,
            "whatif": self.suppositions.ask,
            "play": self.walk.play,
            "onward": partial(self.walk.step, 1),
            "backward": partial(self.walk.step, -1),
            "backend": go.backend,
            "details": self.selected.details,
            "up": partial(go.move, 0, -1),
            "down": partial(go.move, 0, 1),
            "left": partial(go.move, -1, 0),
            "right": partial(go.move, 1, 0),
            "page.up": partial(go.page, -1),
            "page.down": partial(go.page, 1),
            "first": partial(go.end, last=False),
            "last": partial(go.end, last=True),
            "back": go.leave,
            "time.back": partial(moments.step, -1),
            "time.on": partial(moments.step, 1),
            "changes": moments.changes,
            "timeline": moments.choose,
            "refresh": moments.refresh,
            "freeze": moments.freeze,
        }

    def _answered(self, event: Answered) -> None:
        self.questions.answered(event)
        self.guide.answered(event)

    def _changed(self, event: Changed) -> None:
        self.fixes.changed(event)
        self.guide.changed(event)

    def listeners(self) -> dict[type[Told], Callable[[Any], object]]:
        """Who hears what threads, panes and prompts tell."""
        return {
            Looked: self.moments.looked,
            Reading: self.moments.reading,
            Boarded: self.moments.boarded,
            Flipped: self.moments.flipped,
            Supposed: self.suppositions.told,
            Compared: self.moments.compared,
            TimeStrip.Scrubbed: self.moments.scrubbed,
            Described: self.selected.described,
            Answered: self._answered,
            Unanswerable: self.questions.unanswerable,
            Panes.Suggested: self.questions.chosen,
            Panes.FileChosen: self.selected.file,
            WhyPrompt.Asked: self.questions.chosen,
            WhyPrompt.Wrong: self.prompts.refused,
            LinePrompt.Written: self.prompts.written,
            FilterPrompt.Changed: self.prompts.filtered,
            Changed: self._changed,
            Unchanged: self.fixes.unchanged,
            Proved: self.proofs.proved,
            Progress: self.thinking.progressed,
            Ended: self.thinking.ended,
            Surveyed: self.surveys.surveyed,
            Gridded: self.surveys.gridded,
            Exported: self.surveys.exported,
            Metered: self.traffic.metered,
        }
