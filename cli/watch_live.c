#include "command.h"
#include "watch.h"

#include "output.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { NAME = 512, FILTER = 256, CLOCK = 16 };

struct live {
  struct watch_source *source;
  struct watch_args *args;
  enum watch_screen screen;
  bool paused, done, stale; /* stale: the table is to be asked for anew */
  unsigned rows, columns;
  struct watch_text table, other; /* other: source or help */
  hd_view *view;
  size_t first_row; /* line of the table's first row */
  int64_t selected; /* row, -1 none */
  char selected_name[NAME];
  size_t scroll;      /* of `other` */
  char said[512];     /* for the last line, until the next key */
  char *editing;      /* a filter that is being typed; NULL none */
  const char *edited; /* its name */
  char focus[FILTER], ignore[FILTER];
};

/* --- the table ---------------------------------------------------------------------------- */

static size_t count_lines(const struct watch_text *text)
{
  size_t count = 0;
  for (const char *c = text->data; c && *c; c++)
    count += *c == '\n';
  return count;
}

/* Behind the first empty line come the titles, then the rows. */
static size_t find_first_row(const struct watch_text *text)
{
  size_t line = 0;
  for (const char *c = text->data; c && *c; c++) {
    if (c[0] == '\n' && (c == text->data || c[-1] == '\n'))
      return line + 2;
    line += *c == '\n';
  }
  return line;
}

/* The selection stays on its site, wherever that has gone. */
static void find_selected(struct live *live)
{
  if (live->selected < 0 || !live->view)
    return;
  size_t count = hd_view_row_count(live->view);
  for (size_t i = 0; i < count; i++) {
    const char *name = hd_view_row_text(live->view, i, "name");
    if (name && strcmp(name, live->selected_name) == 0) {
      live->selected = (int64_t)i;
      return;
    }
  }
  if (live->selected >= (int64_t)count)
    live->selected = (int64_t)count - 1;
}

static void ask(struct live *live, int64_t rows)
{
  struct hd_error error = HD_ERROR_INIT;
  hd_view_destroy(live->view);
  live->view = NULL;
  watch_text_release(&live->table);
  if (!watch_ask(live->source, live->args, rows, live->columns, true, &live->view, &live->table,
                 &error))
    watch_say(&live->table, &error);
}

/* As many rows as fit: what stands above and below them is known when it is there. */
static void ask_table(struct live *live)
{
  enum { AROUND = 2 }; /* the status line above, the keys below */
  int64_t room = live->rows > AROUND + 1 ? (int64_t)live->rows - AROUND : 1;
  ask(live, room);
  int64_t over = (int64_t)count_lines(&live->table) - room;
  if (live->view && over > 0) {
    int64_t rows = (int64_t)hd_view_row_count(live->view) - over;
    /* One more where rows that are left out now get a line of their sum. */
    ask(live, rows > 1 ? rows : 1);
    if ((int64_t)count_lines(&live->table) > room && rows > 2)
      ask(live, rows - 1);
  }
  live->first_row = find_first_row(&live->table);
  find_selected(live);
  live->stale = false;
}

static void clock_of(time_t when, char text[CLOCK])
{
  struct tm tm;
  strftime(text, CLOCK, "%H:%M:%S", localtime_r(&when, &tm));
}

/* What is amiss now comes first: the line is cut at the edge. */
static void feed_status(const struct watch_news *news, time_t now, struct watch_text *out)
{
  char clock[CLOCK];
  if (news->away_since)
    watch_text_printf(out, "  AWAY for %lld s: %s", (long long)(now - news->away_since), news->why);
  if (news->ended)
    watch_text_printf(out, "  ENDED: %s", news->error);
  if (news->unwritten)
    watch_text_printf(out, "  the last snapshot could not be written");
  clock_of(news->restarted, clock);
  if (news->restarts)
    watch_text_printf(out, "  restarted at %s", clock);
  if (news->gaps)
    watch_text_printf(out, "  %" PRIu64 " gap%s: %" PRIu64 " missing", news->gaps,
                      news->gaps == 1 ? "" : "s", news->missed);
}

static void status_line(const struct live *live, struct watch_text *out)
{
  const struct watch_source *source = live->source;
  char clock[CLOCK];
  time_t now = time(NULL);
  clock_of(now, clock);
  size_t count = source->session ? hd_session_kept_count(source->session) : 0;
  watch_text_printf(out, "%s  %s  %zu snapshot%s%s", clock,
                    source->shown ? source->shown : source->paths[0], count, count == 1 ? "" : "s",
                    live->paused ? "  [PAUSED]" : "");
  if (source->feed)
    feed_status(&source->news, now, out);
  else if (source->ended)
    watch_text_printf(out, "  the program ended with status %d", source->exit_status);
  if (live->args->sort)
    watch_text_printf(out, "  sort %s", live->args->sort);
  if (source->trouble[0])
    watch_text_printf(out, "  %s", source->trouble);
  watch_text_printf(out, "\n");
}

static void draw(struct live *live)
{
  char bottom[768];
  if (live->editing)
    snprintf(bottom, sizeof bottom, "%s: %s_", live->edited, live->editing);
  else if (live->said[0])
    snprintf(bottom, sizeof bottom, "%s", live->said);
  else
    snprintf(bottom, sizeof bottom, "%s",
             live->screen == SCREEN_TOP
                 ? "q quit  ? help  enter source  p pause  s save  < > sort  f focus  x clear"
                 : "q back  up and down scroll");
  if (live->screen != SCREEN_TOP) {
    watch_draw(&live->other, live->scroll, -1, bottom);
    return;
  }
  struct watch_text out = {0};
  status_line(live, &out);
  if (live->source->session && live->stale)
    ask_table(live);
  if (live->table.data)
    watch_text_write(&out, live->table.data, live->table.length);
  else
    watch_text_printf(&out, "\nwaiting for the first snapshot\n");
  watch_draw(&out, 0, live->selected < 0 ? -1 : live->selected + (int64_t)live->first_row + 1,
             bottom);
  watch_text_release(&out);
}

/* --- keys ---------------------------------------------------------------------------------- */

static void select_row(struct live *live, int64_t row)
{
  int64_t count = live->view ? (int64_t)hd_view_row_count(live->view) : 0;
  live->selected = row < 0 ? 0 : row >= count ? count - 1 : row;
  const char *name =
      live->selected < 0 ? NULL : hd_view_row_text(live->view, (size_t)live->selected, "name");
  snprintf(live->selected_name, sizeof live->selected_name, "%s", name ? name : "");
}

static void open_source(struct live *live)
{
  if (live->selected < 0)
    select_row(live, 0);
  const char *function =
      live->selected < 0 ? NULL : hd_view_row_text(live->view, (size_t)live->selected, "function");
  if (!function) {
    snprintf(live->said, sizeof live->said, "no function is known there");
    return;
  }
  watch_text_release(&live->other);
  watch_ask_source(live->source, live->args, function, live->columns, &live->other);
  live->scroll = 0;
  live->screen = SCREEN_SOURCE;
}

static void open_help(struct live *live)
{
  static const char help[] =
      "heapdiff watch: the call sites that grow, as they grow\n\n"
      "GROWTH is since the first snapshot, LAST since the one before the last;\n"
      "from five snapshots on there are verdicts.\n\n"
      "  up, down        choose a call site\n"
      "  enter           the source of its function\n"
      "  p, space        pause, and go on\n"
      "  < >             the order before, the next one\n"
      "  v g r a o c n   order by verdict, growth, rate, after, objects, cum, name\n"
      "  b               what a row is: site, function, line, file, module, stack\n"
      "  m               another measure\n"
      "  f, /            only stacks with a frame that matches\n"
      "  i               no stacks with a frame that matches\n"
      "  x               clear both\n"
      "  s               save the series in a directory of its own\n"
      "  Ctrl-L          draw anew\n"
      "  q               quit\n";
  watch_text_release(&live->other);
  watch_text_printf(&live->other, "%s", help);
  live->scroll = 0;
  live->screen = SCREEN_HELP;
}

static void edit(struct live *live, char *filter, const char *name)
{
  live->editing = filter;
  live->edited = name;
}

static void take_filters(struct live *live)
{
  live->args->filter.focus = live->focus;
  live->args->filter.ignore = live->ignore;
  live->editing = NULL;
  live->stale = true;
}

/* Enter takes what is typed, Escape what was there: nothing. */
static void edit_key(struct live *live, int key)
{
  size_t length = strlen(live->editing);
  if (key == '\n' || key == '\r') {
    take_filters(live);
  } else if (key == 033) {
    live->editing[0] = '\0';
    take_filters(live);
  } else if (key == 0x7f || key == '\b') {
    while (length && (live->editing[--length] & 0xc0) == 0x80)
      ;
    live->editing[length] = '\0';
  } else if (key == ('u' & 0x1f)) {
    live->editing[0] = '\0';
  } else if (key >= ' ' && key < 256 && length + 1 < FILTER) {
    live->editing[length] = (char)key;
    live->editing[length + 1] = '\0';
  }
}

static void scroll_key(struct live *live, int key)
{
  size_t lines = count_lines(&live->other), page = live->rows > 2 ? live->rows - 2 : 1;
  size_t last = lines > page ? lines - page : 0;
  switch (key) {
  case 'q':
  case 033:
  case '\n':
  case '\r':
  case '?': live->screen = SCREEN_TOP; break;
  case KEY_UP:
  case 'k': live->scroll -= live->scroll > 0; break;
  case KEY_DOWN:
  case 'j': live->scroll++; break;
  case KEY_PAGE_UP:
  case 'b': live->scroll -= live->scroll < page ? live->scroll : page; break;
  case KEY_PAGE_DOWN:
  case ' ': live->scroll += page; break;
  case KEY_HOME: live->scroll = 0; break;
  case KEY_END: live->scroll = last; break;
  }
  live->scroll = live->scroll < last ? live->scroll : last;
}

static bool sort_key(struct live *live, int key)
{
  static const struct {
    int key;
    const char *sort;
  } orders[] = {{'v', "score"},   {'g', "growth"}, {'r', "rate"}, {'a', "after"},
                {'o', "objects"}, {'c', "cum"},    {'n', "name"}};
  for (size_t i = 0; i < sizeof orders / sizeof *orders; i++)
    if (orders[i].key == key) {
      live->args->sort = orders[i].sort;
      return live->stale = true;
    }
  return false;
}

static bool has_measure(const struct live *live, const char *measure)
{
  struct hd_query query = {.measure = measure, .nodecount = 1};
  struct hd_error error = HD_ERROR_INIT;
  hd_view *view = NULL;
  bool has = hd_top(live->source->session, &query, &view, &error);
  hd_view_destroy(view);
  return has;
}

/* The next measure that the snapshots have; the first of them is the standard. */
static void next_measure(struct live *live)
{
  size_t at = 0, count = 0;
  while (hd_measure_name(count))
    count++;
  while (at < count && (live->args->measure ? strcmp(hd_measure_name(at), live->args->measure) != 0
                                            : !has_measure(live, hd_measure_name(at))))
    at++;
  for (size_t i = 1; i < count; i++)
    if (has_measure(live, hd_measure_name((at + i) % count))) {
      live->args->measure = hd_measure_name((at + i) % count);
      break;
    }
  live->stale = true;
}

static void change_key(struct live *live, int key)
{
  switch (key) {
  case '<':
  case '>':
    live->args->sort = watch_next_word(hd_sort_name, live->args->sort, key == '>' ? 1 : -1);
    live->stale = true;
    break;
  case 'b':
    live->args->by = watch_next_word(hd_grouping_name, live->args->by, 1);
    live->stale = true;
    break;
  case 'm':
    if (live->source->session)
      next_measure(live);
    break;
  case 'f':
  case '/': edit(live, live->focus, "focus"); break;
  case 'i': edit(live, live->ignore, "ignore"); break;
  case 'x':
    live->focus[0] = live->ignore[0] = '\0';
    take_filters(live);
    break;
  }
}

static void top_key(struct live *live, int key)
{
  switch (key) {
  case 'q': live->done = true; break;
  case '?':
  case 'h': open_help(live); break;
  case 'p':
  case ' ': live->paused = !live->paused; break;
  case KEY_UP:
  case 'k': select_row(live, live->selected - 1); break;
  case KEY_DOWN:
  case 'j': select_row(live, live->selected + 1); break;
  case KEY_HOME: select_row(live, 0); break;
  case KEY_END: select_row(live, INT64_MAX); break;
  case '\n':
  case '\r':
    if (live->view)
      open_source(live);
    break;
  case 's':
    if (live->source->session)
      watch_save(live->source->session, live->said, sizeof live->said);
    break;
  case 'l' & 0x1f: live->stale = true; break;
  default:
    if (!sort_key(live, key))
      change_key(live, key);
  }
}

static void take_key(struct live *live, int key)
{
  live->said[0] = '\0';
  if (live->editing)
    edit_key(live, key);
  else if (live->screen == SCREEN_TOP)
    top_key(live, key);
  else
    scroll_key(live, key);
}

/* ------------------------------------------------------------------------------------------- */

static int64_t now_ms(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Whether there is another table: snapshots came, or went. */
static bool refresh(struct watch_source *source)
{
  size_t before = source->session ? hd_session_kept_count(source->session) : 0;
  bool came = watch_refresh(source) > 0;
  size_t count = source->session ? hd_session_kept_count(source->session) : 0;
  return came || (count != before && !source->trouble[0]);
}

static void look_at_size(struct live *live)
{
  unsigned rows, columns;
  watch_size(&rows, &columns);
  live->stale |= rows != live->rows || columns != live->columns;
  live->rows = rows;
  live->columns = columns;
}

static void keep_filters(struct live *live)
{
  const struct filter_args *filter = &live->args->filter;
  snprintf(live->focus, sizeof live->focus, "%s", filter->focus ? filter->focus : "");
  snprintf(live->ignore, sizeof live->ignore, "%s", filter->ignore ? filter->ignore : "");
}

bool watch_has_screen(void)
{
  return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

void watch_look(struct watch_source *source, struct watch_args *args)
{
  watch_note_ends();
  if (watch_has_screen())
    watch_live(source, args);
  else
    watch_blocks(source, args);
}

int watch_look_at_feed(struct watch_feed *feed, void (*run)(struct watch_feed *feed), void *context,
                       struct watch_args *args, const char *shown)
{
  const char *paths[] = {args->output};
  struct watch_source source = {.input = &args->input,
                                .measure = args->measure,
                                .shown = shown,
                                .paths = paths,
                                .path_count = 1,
                                .feed = feed};
  if (!watch_feed_start(feed, run, context))
    return STATUS_INTERNAL;
  watch_look(&source, args);
  watch_end(&source);
  return source.failed;
}

void watch_live(struct watch_source *source, struct watch_args *args)
{
  struct live live = {.source = source, .args = args, .selected = -1, .stale = true};
  int64_t tick = 0, every = (int64_t)watch_every(source, args);
  keep_filters(&live);
  watch_screen_enter();
  while (!live.done && !watch_ended_by() && !output_failed()) {
    int64_t now = now_ms();
    if (!live.paused && now >= tick) {
      live.stale |= refresh(source);
      tick = now + every;
      /* Nothing comes any more: its log says why. */
      live.done = source->ended && !source->session;
    }
    look_at_size(&live);
    draw(&live);
    int64_t left = live.paused ? every : tick - now_ms();
    int key = watch_key(left < 1 ? 1 : left > 1000 ? 1000 : (int)left);
    if (key)
      take_key(&live, key);
  }
  watch_screen_leave();
  hd_view_destroy(live.view);
  watch_text_release(&live.table);
  watch_text_release(&live.other);
}
