/* `addr`: what stands at the addresses of one module. */
#include "api/session.h"

#include <heapdiff/symbols.h>

#include <inttypes.h>
#include <string.h>

struct asking {
  hd_session *session;
  const struct hd_addr_query *query;
  struct hd_symbol_batch batch;
  struct hd_view *view;
};

static bool add_chains(struct asking *asking)
{
  struct hd_view *view = asking->view;
  size_t frames = 0;
  for (size_t i = 0; i < asking->query->count; i++)
    frames += asking->batch.answers[i].count;
  if (!hd_vec_reserve(&view->chains, asking->query->count) ||
      !hd_vec_reserve(&view->chain_frames, frames))
    return false;
  for (size_t i = 0; i < asking->query->count; i++) {
    struct hd_symbol_answer answer = asking->batch.answers[i];
    view->chains.items[view->chains.count++] = (struct hd_chain){
        asking->query->addresses[i], view->chain_frames.count, answer.count};
    for (uint32_t n = 0; n < answer.count; n++) {
      const struct hd_symbol_frame *from = &asking->batch.frames[answer.first + n];
      view->chain_frames.items[view->chain_frames.count++] = (struct hd_chain_frame){
          asking->query->mangled ? from->function : from->shown, from->file, from->line,
          from->start_line};
    }
  }
  return true;
}

static bool add_facts(struct asking *asking, struct hd_error *error)
{
  const struct hd_symbol_batch *batch = &asking->batch;
  struct hd_view *view = asking->view;
  const struct {
    const char *key, *text;
  } facts[] = {
      {"module", asking->query->module},
      {"debug_file", batch->debug_file},
      {"build_id", batch->found_build_id},
      {"status", hd_symbol_status_name(batch->status)},
  };
  for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
    const char *text = hd_view_text(view, facts[i].text);
    if (!text)
      return hd_fail_memory(error);
    struct hd_cell cell = hd_cell_text(text[0] ? text : NULL);
    if (!hd_view_add_fact(view, facts[i].key, cell, error))
      return false;
  }
  return true;
}

static void note_what_is_missing(struct asking *asking)
{
  size_t nameless = 0;
  const char *reason = asking->batch.reason;
  for (size_t i = 0; i < asking->query->count; i++)
    nameless += asking->batch.answers[i].count == 0;
  if (reason[0])
    hd_session_add_note(asking->session, HD_NOTE_WARNING, "symbols", "%s %s",
                        asking->query->module, reason);
  if (nameless)
    hd_session_add_note(asking->session, HD_NOTE_INFO, "no-symbols",
                        "%zu of %zu addresses are in no function of %s", nameless,
                        asking->query->count, asking->query->module);
}

static bool make_view(struct asking *asking, struct hd_error *error)
{
  if (!hd_view_create("heapdiff.addr/1", HD_VIEW_CHAINS, &asking->view, error))
    return false;
  if (!asking->query->mangled && !hd_symbol_batch_show(&asking->batch))
    return hd_fail_memory(error);
  /* The batch's texts are the view's from now on. */
  asking->view->arena = asking->batch.arena;
  asking->batch.arena = (struct hd_arena)HD_ARENA_INIT;
  if (!add_chains(asking))
    return hd_fail_memory(error);
  note_what_is_missing(asking);
  return add_facts(asking, error) && hd_session_give_notes(asking->session, asking->view, error);
}

static bool is_usable(const struct hd_symbol_batch *batch)
{
  return batch->status == HD_SYMBOLS_DWARF || batch->status == HD_SYMBOLS_TABLE ||
         batch->status == HD_SYMBOLS_NONE;
}

bool hd_addr(hd_session *session, const struct hd_addr_query *query, hd_view **view,
             struct hd_error *error)
{
  struct asking asking = {.session = session, .query = query};
  *view = NULL;
  if (!hd_symbolize_addresses(session->symbolizer, query->module, query->addresses, query->count,
                              query->mangled, &asking.batch, error))
    return hd_error_in(error, query->module);
  bool fine = is_usable(&asking.batch);
  if (!fine) {
    hd_fail_input(error, "%s", asking.batch.reason);
    hd_error_in(error, query->module);
  }
  fine = fine && make_view(&asking, error);
  hd_symbol_batch_deinit(&asking.batch);
  if (fine)
    *view = asking.view;
  else
    hd_view_destroy(asking.view);
  return fine;
}
