"""The words of the page, by language. What processes and APIs say (titles, messages, remedies) stays as it is."""

from __future__ import annotations

from mcp_codegen.orchestrator.durable.reporting.numbers import Language

TEXTS: dict[str, tuple[str, str]] = {
    "report": ("Batch report", "Informe del lote"),
    "mock": (
        "Run against a stand-in of the APIs: no figure here is real.",
        "Ejecutado contra un simulador de las API: ninguna cifra es real.",
    ),
    "running": (
        "The batch has not ended: these are the figures so far.",
        "El lote no ha terminado: cifras hasta ahora.",
    ),
    "source": ("Inputs", "Entradas"),
    "process": ("Process", "Proceso"),
    "started": ("First start", "Primer inicio"),
    "ended": ("Last end", "Último fin"),
    "made": ("Report of", "Informe del"),
    "runs": ("Runs", "Ejecuciones"),
    "succeeded": ("succeeded", "correctas"),
    "failed": ("failed", "fallidas"),
    "cancelled": ("cancelled", "canceladas"),
    "unfinished": ("unfinished", "sin terminar"),
    "rejected": ("Rows rejected", "Filas rechazadas"),
    "retries": ("Retries of steps", "Reintentos de pasos"),
    "took": ("Time from start to end", "Tiempo de inicio a fin"),
    "rate": ("Runs per second", "Ejecuciones por segundo"),
    "median": ("Median run", "Ejecución mediana"),
    "p95": ("95 of 100 runs within", "95 de 100 ejecuciones en"),
    "amounts": ("Amounts", "Importes"),
    "group": ("Group", "Grupo"),
    "count": ("Number", "Cantidad"),
    "amount": ("Amount", "Importe"),
    "share": ("Share", "Parte"),
    "total": ("Total", "Total"),
    "no_currency": ("no currency", "sin moneda"),
    "uncounted": (
        "amounts of further groups are not in these sums.",
        "importes de otros grupos no están en estas sumas.",
    ),
    "unmeasured": (
        "runs are not in these sums: the process's own code failed to count them.",
        "ejecuciones no están en estas sumas: el código del proceso no pudo contarlas.",
    ),
    "durations": ("How long runs took", "Duración de las ejecuciones"),
    "throughput": ("Runs per second over time", "Ejecuciones por segundo"),
    "time": ("Time (UTC)", "Hora (UTC)"),
    "duration": ("Duration", "Duración"),
    "longer": ("took longer than the chart shows.", "duraron más de lo que muestra el gráfico."),
    "longest": ("the longest", "la más larga"),
    "no_script": ("The charts need JavaScript.", "Los gráficos necesitan JavaScript."),
    "others": ("not succeeded", "no correctas"),
    "steps": ("Steps", "Pasos"),
    "step": ("Step", "Paso"),
    "success": ("ok", "bien"),
    "error": ("errors", "errores"),
    "skipped": ("skipped", "omitidos"),
    "retried": ("retries", "reintentos"),
    "mean": ("mean", "media"),
    "max": ("longest", "máxima"),
    "codes": ("codes", "códigos"),
    "kinds": ("What failed", "Qué falló"),
    "kind": ("Failure", "Fallo"),
    "remedy": ("What to do", "Qué hacer"),
    "failures": ("Failed runs", "Ejecuciones fallidas"),
    "row": ("Row", "Fila"),
    "run": ("Run", "Ejecución"),
    "code": ("Code", "Código"),
    "message": ("Message", "Mensaje"),
    "filter": ("Filter", "Filtrar"),
    "capped": ("of {failed} are shown; all are in the CSV file.", "de {failed} se muestran; el CSV las tiene todas."),
    "none_failed": ("No run failed.", "Ninguna ejecución falló."),
    "no_step": ("outside of its steps", "fuera de los pasos"),
    "no_runs": ("No run has ended yet.", "Ninguna ejecución ha terminado."),
    "again": (
        "Put failed runs back, and start the batch again",
        "Volver a poner en cola las fallidas e iniciar de nuevo el lote",
    ),
    "foot": (
        "This page holds everything it shows and asks the network for nothing. It may hold personal data.",
        "Esta página contiene todo lo que muestra y no usa la red. Puede contener datos personales.",
    ),
}


def words(language: Language) -> dict[str, str]:
    """The words of one language."""
    position = ("en", "es").index(language)
    return {name: each[position] for name, each in TEXTS.items()}
