/* SARIF 2.1.0, as code scanning reads it:
 * https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html */
#include "reports/json_values.h"
#include "reports/report.h"

#include <heapdiff/version.h>

#include <stdio.h>
#include <string.h>

static const struct {
  const char *id, *text;
} rules[] = {
    {"max-growth", "A call site, or all of them together, holds more memory than it may gain."},
    {"max-total-growth", "All call sites together hold more memory than they may gain."},
    {"max-objects", "There are more live objects than there may be."},
    {"max-churn", "More memory was allocated than may be."},
    {"max-goroutines", "There are more goroutines than there may be."},
    {"max-leaked", "More memory has leaked than may."},
    {"min-time-to-limit", "The process reaches its limit of memory too soon."},
    {"fail-on", "The course of a call site has a verdict that fails."},
    {"moved", "Memory moved from one function to another."},
    {"suppressed", "Growth is hidden by a suppression."},
};

enum { RULES = sizeof rules / sizeof *rules };

static json_t *message(const char *text)
{
  return put(json_object(), "text", text_value(text));
}

static json_t *rule_list(void)
{
  json_t *list = json_array();
  for (size_t i = 0; i < RULES; i++) {
    json_t *rule = put(json_object(), "id", json_string(rules[i].id));
    list = add(list, put(rule, "shortDescription", message(rules[i].text)));
  }
  return list;
}

/* A URI reference: bytes that it cannot have are escaped. */
static json_t *uri(const char *path)
{
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                              "-._~/+@,;=!$&'()*";
  struct hd_buffer out = HD_BUFFER_INIT;
  if (path[0] == '/')
    hd_buffer_puts(&out, "file://");
  for (const char *c = path; *c; c++)
    if (strchr(plain, *c))
      hd_buffer_append(&out, c, 1);
    else
      hd_buffer_printf(&out, "%%%02X", (unsigned char)*c);
  json_t *value = out.failed ? NULL : json_string(hd_buffer_text(&out));
  hd_buffer_deinit(&out);
  return value;
}

/* Code scanning takes no result without a place: what is of no file, as a total, is where
 * the first finding that has one is, else in the program. */
static const char *place_of_all(const struct hd_view *view)
{
  for (size_t i = 0; i < view->findings.count; i++)
    if (view->findings.items[i].file)
      return view->findings.items[i].file;
  for (size_t i = 0; i < view->facts.count; i++)
    if (strcmp(view->facts.items[i].key, "program") == 0)
      return view->facts.items[i].cell.text;
  return "heapdiff";
}

static json_t *location(const struct hd_finding *finding, const char *elsewhere)
{
  json_t *place = json_object(), *item = json_object();
  const char *file = finding->file ? finding->file : elsewhere;
  uint32_t line = finding->file && finding->line ? finding->line : 1;
  place = put(place, "artifactLocation", put(json_object(), "uri", uri(file)));
  place = put(place, "region", put(json_object(), "startLine", json_integer(line)));
  item = put(item, "physicalLocation", place);
  json_t *logical = put(json_object(), "name", text_value(finding->name));
  logical = put(logical, "kind", json_string("function"));
  return put(item, "logicalLocations", add(json_array(), logical));
}

/* The callers, as a code flow shows them. */
static json_t *stack(const struct hd_finding *finding)
{
  json_t *frames = json_array();
  for (size_t i = 0; i < finding->stack_count; i++) {
    json_t *logical = put(json_object(), "name", text_value(finding->stack[i]));
    json_t *place = put(json_object(), "logicalLocations", add(json_array(), logical));
    frames = add(frames, put(json_object(), "location", place));
  }
  return add(json_array(), put(json_object(), "frames", frames));
}

static json_t *result(const struct hd_finding *finding, const char *elsewhere)
{
  static const char *const levels[] = {"error", "warning", "note"};
  json_t *item = json_object();
  struct hd_buffer text = HD_BUFFER_INIT;
  size_t rule = 0;
  while (rule < RULES && strcmp(rules[rule].id, finding->rule) != 0)
    rule++;
  hd_buffer_printf(&text, "%s %s%s%s", finding->name, finding->text, finding->advice ? "; " : "",
                   finding->advice ? finding->advice : "");
  item = put(item, "ruleId", json_string(finding->rule));
  if (rule < RULES)
    item = put(item, "ruleIndex", json_integer((json_int_t)rule));
  item = put(item, "level", json_string(levels[finding->level]));
  item = put(item, "message", text.failed ? NULL : message(hd_buffer_text(&text)));
  hd_buffer_deinit(&text);
  item = put(item, "locations", add(json_array(), location(finding, elsewhere)));
  if (finding->stack_count)
    item = put(item, "stacks", stack(finding));
  item = put(item, "partialFingerprints",
             put(json_object(), "callChain/v1", text_value(finding->identity)));
  if (finding->suppressed) {
    json_t *by = put(json_object(), "kind", json_string("external"));
    by = put(by, "justification",
             text_value(finding->reason ? finding->reason : finding->suppressed));
    item = put(item, "suppressions", add(json_array(), by));
  }
  return item;
}

static void print_findings(const struct hd_view *view, const struct hd_style *style,
                           struct hd_buffer *out)
{
  (void)style;
  json_t *driver = json_object(), *results = json_array(), *run = json_object();
  driver = put(driver, "name", json_string("heapdiff"));
  driver = put(driver, "version", json_string(HEAPDIFF_VERSION));
  driver = put(driver, "rules", rule_list());
  for (size_t i = 0; i < view->findings.count; i++)
    results = add(results, result(&view->findings.items[i], place_of_all(view)));
  run = put(run, "tool", put(json_object(), "driver", driver));
  run = put(run, "columnKind", json_string("utf16CodeUnits"));
  run = put(run, "results", results);
  json_t *root =
      put(json_object(), "$schema", json_string("https://json.schemastore.org/sarif-2.1.0.json"));
  root = put(root, "version", json_string("2.1.0"));
  dump(put(root, "runs", add(json_array(), run)), out);
}

extern const struct hd_report_format hd_report_sarif;
const struct hd_report_format hd_report_sarif = {.name = "sarif", .findings = print_findings};
