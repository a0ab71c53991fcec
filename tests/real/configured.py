"""A manager with settings of its own, checked by itself before it starts."""

from harness import Manager


class Configured(Manager):
    """`mien manager --config`; `settings` is the text of its mien.yaml."""

    settings = ""

    def spawn(self):
        self.data.mkdir(exist_ok=True)
        settings = self.scene.folder / "mien.yaml"
        settings.write_text(self.settings)
        checked = self.scene.mien("manager", "--config", settings, "--check-config").out
        assert "are right" in checked, checked
        program, self.scene.program = self.scene.program, self.scene.folder / "manager-with-settings"
        self.scene.program.write_text(f'#!/bin/sh\nshift\nexec {program} manager --config {settings} "$@"\n')
        self.scene.program.chmod(0o755)
        try:
            super().spawn()
        finally:
            self.scene.program = program
