"""What is asked? One task per file; raw formats in `formats/`, the procedural world in `world/`."""

if __name__ != "vlrl.data":
    raise ImportError(f"import this package as 'vlrl.data', not as {__name__!r}")
