"""How the kept page looks: light and dark, narrow and wide, on screen and on paper."""

from fineparser.rendering.palette import DARK, LIGHT, PHASE_COLOURS, SKY_BLUE, VERMILION, Theme


def _variables(theme: Theme, panel: str) -> str:
    return (
        f"--text:{theme.text.css};--muted:{theme.muted.css};--grid:{theme.grid};--page:{theme.page.css};"
        f"--panel:{panel};"
    )


_LIGHT, _DARK = _variables(LIGHT, "#f4f6f8"), _variables(DARK, "#161d2b")
_PHASES = "".join(
    f".p{int(phase)}{{--phase:{colour.css};--tint:{colour.faded(0.18)}}}" for phase, colour in PHASE_COLOURS.items()
)

STYLE = f"""
:root{{color-scheme:light dark;{_LIGHT}--total:{VERMILION.css};--vote:{SKY_BLUE.css};--interval:{VERMILION.faded(0.2)}}}
@media (prefers-color-scheme:dark){{:root{{{_DARK}}}}}
{_PHASES}
*{{box-sizing:border-box}}
body{{margin:0;background:var(--page);color:var(--text);
 font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}}
main{{max-width:960px;margin:0 auto;padding:20px 16px 40px}}
h1{{font-size:1.45rem;line-height:1.25;margin:0}}
h2{{font-size:1.1rem;margin:34px 0 10px;padding-bottom:4px;border-bottom:1px solid var(--grid)}}
p{{margin:6px 0}} .note{{color:var(--muted);font-size:.9rem}} i{{font-style:normal}}
.clip{{color:var(--muted);overflow-wrap:anywhere}}
.score{{display:flex;flex-wrap:wrap;gap:6px 28px;align-items:baseline;margin:16px 0 2px}}
.score b{{font-size:2.9rem;line-height:1.05;font-variant-numeric:tabular-nums}}
.score span{{white-space:nowrap}} .score em{{font-style:normal;color:var(--muted)}}
.warnings{{margin:14px 0;padding:9px 14px 9px 32px;border-left:4px solid {VERMILION.css};background:var(--panel)}}
.warnings li{{margin:2px 0}}
.pictures{{display:grid;grid-template-columns:repeat(3,1fr);gap:12px}}
figure{{margin:0}}
figure img{{width:100%;height:auto;display:block;border-radius:3px;border-bottom:5px solid var(--phase)}}
figcaption{{font-size:.85rem;line-height:1.3;margin-top:4px}}
figcaption b::first-letter{{text-transform:uppercase}} figcaption b{{display:block}}
figcaption span{{color:var(--muted)}}
.row{{display:grid;grid-template-columns:10rem 1fr 4rem;align-items:center;min-height:27px}}
.row .name{{padding-right:8px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;font-size:.9rem}}
.row .value{{text-align:right;font-variant-numeric:tabular-nums;font-size:.9rem}}
.row.end .name,.row.end .value,.row.chosen .name,.row.chosen .value{{font-weight:700}}
.track{{position:relative;height:100%;min-height:27px;display:block}}
.track i{{position:absolute}}
.chart .row:not(.axis) .track{{border-bottom:1px solid var(--grid)}}
.bar{{top:5px;bottom:5px;background:var(--phase);border:1px solid var(--text);min-width:2px}}
.bar.limit{{background:var(--muted)}}
.bar.static{{background-image:repeating-linear-gradient(135deg,rgba(0,0,0,.6) 0 1.5px,transparent 1.5px 6px)}}
.link{{top:-1px;height:6px;border-left:1px dotted var(--muted)}}
.mark{{width:12px;height:12px;top:50%;margin:-6px;transform:rotate(45deg);background:var(--muted)}}
.mark.total{{background:var(--total)}}
.interval{{top:0;bottom:-1px;background:var(--interval)}}
.middle{{top:0;bottom:-1px;border-left:2px solid var(--total)}}
.stem{{top:50%;height:2px;margin-top:-1px;background:var(--muted)}}
.dot{{width:11px;height:11px;top:50%;margin:-5.5px;border-radius:50%;background:var(--vote);
 border:1px solid var(--text)}}
.dot.open{{background:var(--page);border:2px solid var(--muted)}}
.chosen .dot:not(.open){{border-radius:0;transform:rotate(45deg)}}
.row.axis{{min-height:22px;color:var(--muted)}} .row.axis .name{{font-size:.8rem;text-align:right}}
.tick{{top:0;height:5px;border-left:1px solid var(--muted)}}
.tick b{{position:absolute;top:5px;transform:translateX(-50%);font:.78rem/1.2 inherit;font-size:.78rem;font-weight:400;
 color:var(--muted);white-space:nowrap}}
.row.axis .track{{min-height:24px}}
.key{{color:var(--muted);font-size:.85rem;margin:10px 0 14px}}
.key .bar,.key .dot,.key .interval{{position:static;display:inline-block;margin:0 3px 0 12px;vertical-align:-1px}}
.key .bar{{width:22px;height:12px}} .key .interval{{width:22px;height:12px}}
.key .bar:first-child,.key .dot:first-child{{margin-left:0}}
.swatch{{width:30px;height:6px;vertical-align:middle;margin:0 3px 0 12px}} .swatch:first-child{{margin-left:0}}
.parts{{list-style:none;display:flex;flex-wrap:wrap;gap:4px 22px;margin:0 0 8px;padding:0;font-size:.9rem}}
.parts li{{border-left:10px solid var(--phase);padding-left:6px;position:relative}}
.parts li+li::before{{content:"\\203A";position:absolute;left:-23px;color:var(--muted)}}
.timeline{{margin:0 10px}}
.bands{{position:relative;height:24px}}
.bands i{{position:absolute;top:0;bottom:0;background:var(--phase);overflow:hidden;text-align:center;color:#000}}
.bands i{{container-type:inline-size}} @container (max-width:56px){{.bands b{{display:none}}}}
.bands b{{font-weight:600;font-size:.82rem;line-height:24px;white-space:nowrap}}
.curves{{position:relative;height:110px;border-bottom:1px solid var(--muted)}}
.curves>i:not(.switch){{position:absolute;top:0;bottom:0;background:var(--tint)}} .curves>i b{{display:none}}
.curves svg{{position:absolute;inset:0;width:100%;height:100%;overflow:visible}}
svg .flight,svg .entry{{fill:none;stroke:var(--text);stroke-width:2;vector-effect:non-scaling-stroke}}
svg .entry{{stroke-dasharray:6 4}}
.switch{{position:absolute;top:-24px;bottom:0;border-left:2px solid var(--text);margin-left:-1px}}
.timeline .track{{min-height:24px}}
.scroll{{overflow-x:auto}}
table{{border-collapse:collapse;width:100%;font-size:.9rem;font-variant-numeric:tabular-nums}}
th,td{{padding:5px 8px;border-bottom:1px solid var(--grid);text-align:right;vertical-align:top;white-space:nowrap}}
th{{font-weight:600;color:var(--muted)}} th:first-child,td:first-child,.text{{text-align:left}}
tr.sum td{{font-weight:700;border-top:2px solid var(--muted)}} tr.chosen td{{font-weight:700}}
dl{{display:grid;grid-template-columns:max-content 1fr;gap:3px 16px;margin:0}} dt{{color:var(--muted)}}
dd{{margin:0;overflow-wrap:anywhere}}
footer{{margin-top:36px;color:var(--muted);font-size:.85rem}}
@media (max-width:520px){{.row{{grid-template-columns:8.3rem 1fr 3.2rem}}.row .name,.row .value{{font-size:.8rem}}
 .pictures{{grid-template-columns:repeat(2,1fr)}} table{{font-size:.8rem}}
 th,td{{padding:5px 4px}} .score b{{font-size:2.4rem}}}}
@page{{size:A4;margin:14mm}}
@media print{{:root{{color-scheme:light;{_LIGHT}}}body{{font-size:10pt}}main{{padding:0;max-width:none}}
 *{{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
 h2{{break-after:avoid;margin-top:20px}} figure,.row,tr,.timeline,.warnings{{break-inside:avoid}}
 .text{{white-space:normal}} table,figcaption{{font-size:8.5pt}}
 .pictures{{grid-template-columns:repeat(6,1fr);gap:6px}} .chart,.keep{{break-inside:avoid}}}}
"""
