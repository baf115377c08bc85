"""With which settings a playbook is searched: those that it was trained with, where nobody says otherwise."""

from __future__ import annotations

from collections.abc import Sequence

from ace_cli.engine.trust import Ask, Claim, What, admit
from ace_cli.llm.hosts import calls
from ace_cli.playbook import Playbook
from ace_cli.serving.book import SettingsFor
from ace_cli.settings import Settings
from ace_cli.settings.layers import Layer
from ace_cli.settings.recorded import Recorded, identity_of_header

_EMBEDDING = "models.embedding"


def settings_for(layers: Sequence[Layer], ask: Ask, name: str) -> SettingsFor:
    """The settings of the playbook called ``name``, with what ``layers`` say of today.

    What they ask for is admitted as in a run: only whoever embeds is called here, and only the code of an embedder is run.
    """

    def settings(playbook: Playbook) -> Settings:
        loaded = Recorded(identity_of_header(playbook.training_config), {}, {}, name).lent(layers)
        asks = any(call.model_key == _EMBEDDING for call in calls(loaded.settings.models))

        def concerns(claim: Claim) -> bool:
            if claim.what is What.CODE:
                return claim.key in (_EMBEDDING, "models.generator.model")
            return claim.what is What.HOST and asks and claim.key.startswith((_EMBEDDING, "models.api_base"))

        admit(loaded, ask, concerns=concerns)
        return loaded.settings

    return settings
