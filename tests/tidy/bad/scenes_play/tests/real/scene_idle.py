"""A scene that nobody plays."""


def main(scene):
    scene.check("nothing", True)
