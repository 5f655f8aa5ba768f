/* What each context adds to which rows, so that one pass from the leaves to the root gives
 * the cumulative values of all of them: a row gains what passes through the outermost of its
 * frames on each way to the root, so that recursion counts once. */
#include "analysis/survey.h"

struct walk {
  struct hd_survey *survey;
  bool *passed; /* [context]: there is an own below it */
  /* [row]: up to which context it gains already, as one that it is in calls them. Contexts
   * come in their order, so that the outermost one decides. */
  HD_VEC(uint32_t) covered;
};

static void find_passed(struct walk *walk)
{
  const struct hd_contexts *contexts = walk->survey->contexts;
  for (size_t i = contexts->nodes.count; i-- > 1;)
    if (walk->passed[i] || walk->survey->own_at[i])
      walk->passed[contexts->nodes.items[i].parent] = true;
}

static bool pass(struct walk *walk, uint32_t context, uint32_t frame, bool passing)
{
  struct hd_survey *survey = walk->survey;
  uint32_t row = survey->frame_rows.items[frame];
  while (walk->covered.count < row)
    if (!hd_vec_push(&walk->covered, 0))
      return false;
  if (context < walk->covered.items[row - 1])
    return true;
  walk->covered.items[row - 1] = survey->contexts->ends[context];
  return hd_vec_push(&survey->adds, (row - 1) | (passing ? HD_ADD_PASSING : 0));
}

/* From the outermost frame of a context to the innermost. Where stacks end at the context
 * those before the call site are none of theirs, but of what was called from there. */
static bool enter(struct walk *walk, uint32_t context)
{
  const struct hd_places *at = &walk->survey->at;
  uint32_t place = hd_survey_place(walk->survey, context);
  struct hd_span span = at->spans.items[place];
  uint32_t start = hd_place_start(at, place), last = walk->passed[context] ? 0 : start;
  for (uint32_t j = span.count; j-- > last;)
    if (!pass(walk, context, span.first + j, j < start))
      return false;
  return true;
}

static bool begin_step(struct walk *walk, uint32_t parent, uint32_t own)
{
  struct hd_survey *survey = walk->survey;
  struct hd_step step = {parent, own, (uint32_t)survey->adds.count};
  return survey->adds.count < HD_MAX_ITEMS && hd_vec_push(&survey->steps, step);
}

static bool take_steps(struct walk *walk, uint32_t *step_of)
{
  struct hd_survey *survey = walk->survey;
  const struct hd_context *nodes = survey->contexts->nodes.items;
  size_t count = survey->contexts->nodes.count;
  if (!hd_vec_reserve(&survey->steps, count + 1) || !hd_vec_reserve(&survey->adds, count) ||
      !begin_step(walk, 0, walk->survey->own_at[0]))
    return false;
  if (walk->survey->own_at[0] &&
      !hd_vec_push(&survey->adds, survey->owns.items[walk->survey->own_at[0] - 1].row - 1))
    return false;
  for (uint32_t i = 1; i < count; i++) {
    if (!walk->passed[i] && !walk->survey->own_at[i])
      continue;
    step_of[i] = (uint32_t)survey->steps.count;
    if (!begin_step(walk, step_of[nodes[i].parent], walk->survey->own_at[i]) || !enter(walk, i))
      return false;
  }
  return begin_step(walk, 0, 0);
}

bool hd_survey_steps(struct hd_survey *survey)
{
  size_t count = survey->contexts->nodes.count;
  struct walk walk = {.survey = survey};
  HD_SCOPED_FREE uint32_t *step_of = hd_alloc_zeroed(count, sizeof *step_of);
  walk.passed = hd_alloc_zeroed(count, sizeof *walk.passed);
  bool fine = step_of && walk.passed;
  if (fine) {
    find_passed(&walk);
    fine = take_steps(&walk, step_of);
  }
  hd_free(walk.passed);
  hd_vec_deinit(&walk.covered);
  return fine;
}
