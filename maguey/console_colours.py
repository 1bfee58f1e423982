"""The console's one colour besides grey: the posters' pink, in the steps unfold asks for."""

PRIMARY = {
    "50": "oklch(97.1% .014 343.198)",
    "100": "oklch(94.8% .028 342.258)",
    "200": "oklch(89.9% .061 343.231)",
    "300": "oklch(82.3% .12 346.018)",
    "400": "oklch(71.8% .202 349.761)",
    "500": "oklch(65.6% .241 354.308)",
    "600": "oklch(54.5% .23 1)",  # white on it is read at 5:1
    "700": "oklch(48.5% .205 2)",
    "800": "oklch(42.9% .187 3.815)",
    "900": "oklch(38.8% .153 2.432)",
    "950": "oklch(28.4% .109 3.907)",
}
