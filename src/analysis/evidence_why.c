/* The sentence of `explain`. */
#include "analysis/evidence.h"

#include <math.h>

/* The probability from which a site that is not proven to leak should be looked at again. */
static const double may_leak = .5;

static const char *leaking(struct hd_view *view, const struct hd_judgement *of,
                           const struct hd_trend *trend, const struct hd_waits *waits)
{
  const char *stayed = waits && waits->never_woke ? "who waits longest never woke"
                                                  : "what came stayed";
  if (of->by_age)
    return hd_view_printf(view, "leaking: its level hides it, but its old objects only become "
                                "more, which is a leak with %.3g%%", of->probability * 100);
  return hd_view_printf(view, "leaking with %.3g%%: of all shapes \"%s\" fits best, it rises from "
                              "snapshot to snapshot (p %.2g), and %s",
                        of->probability * 100, hd_shapes[trend->best].name, trend->mann_kendall,
                        stayed);
}

static const char *growing(struct hd_view *view, const struct hd_judges *judges,
                           const struct hd_judgement *of, const struct hd_trend *trend)
{
  if (!trend)
    return hd_view_printf(view, "growing: by more than the sampling explains, but %zu snapshots "
                                "cannot tell a leak from what warms up",
                          judges->series->points.count);
  return hd_view_printf(view, "growing: by more than the sampling explains, but that it leaks has "
                              "only %.0f%%; \"%s\" fits best",
                        of->probability * 100, hd_shapes[trend->best].name);
}

static const char *steady(struct hd_view *view, const struct hd_judgement *of)
{
  if (of->error > 0 && of->q >= HD_FALSE_DISCOVERY_RATE && of->growth != 0)
    return hd_view_printf(view, "steady: sampling alone would make such a difference (%.0f sampled "
                                "objects came or went)%s", of->sampled,
                          of->growth > 0 && of->probability >= may_leak
                              ? ", so a leak is not proven and not excluded: record longer, or "
                                "with a smaller --rate"
                              : "");
  if (of->growth > 0)
    return "steady: it is more at the end than at the beginning, but its course does not rise";
  return "steady: it did not grow";
}

const char *hd_evidence_why(struct hd_view *view, const struct hd_judges *judges, size_t row,
                            const struct hd_trend *trend)
{
  const struct hd_judgement *of = &judges->rows[row];
  struct hd_waits waits;
  bool waited = hd_judges_waits(judges, row, &waits);
  switch (of->verdict) {
  case HD_VERDICT_LEAKING: return leaking(view, of, trend, waited ? &waits : NULL);
  case HD_VERDICT_GROWING: return growing(view, judges, of, trend);
  case HD_VERDICT_SHRINKING: return "shrinking: it gives back more than it takes";
  case HD_VERDICT_SAWTOOTH:
    return hd_view_printf(view, "sawtooth: it grows and falls again, by %.0f%% of its range",
                          fmin(trend->relative_drawdown, 1) * 100);
  case HD_VERDICT_PLATEAUED:
    return hd_view_printf(view, "plateaued: \"%s\" fits best, so the growth is over",
                          hd_shapes[trend->best].name);
  case HD_VERDICT_CHURN:
    return "churn: it allocates much more than it holds, and frees it";
  case HD_VERDICT_STEADY: return steady(view, of);
  }
  return "";
}
