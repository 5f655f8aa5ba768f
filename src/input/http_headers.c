#include "input/http_headers.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { MOST_HEADERS = 1000, LONGEST = 64 << 10 };

static bool is_header(const char *text)
{
  size_t name = strcspn(text, ":; \t\r\n");
  return name && (text[name] == ':' || text[name] == ';') && !strpbrk(text, "\r\n");
}

static bool add(const struct hd_curl *curl, const char *text, struct curl_slist **list,
                struct hd_error *error)
{
  struct curl_slist *longer = curl->slist_append(*list, text);
  if (longer)
    *list = longer;
  return longer || hd_fail_memory(error);
}

static bool add_file(const struct hd_curl *curl, const char *path, struct curl_slist **list,
                     struct hd_error *error)
{
  char line[LONGEST];
  FILE *file = fopen(path, "re");
  bool fine = file || hd_fail_usage(error, "--header: %s: %s", path, strerror(errno));
  for (int i = 0; fine && i < MOST_HEADERS && fgets(line, sizeof line, file); i++) {
    line[strcspn(line, "\r\n")] = '\0';
    if (!line[0])
      continue;
    fine = is_header(line) ? add(curl, line, list, error)
                           : hd_fail_usage(error,
                                           "--header: line %d of %s is not of the form "
                                           "'Name: value'",
                                           i + 1, path);
  }
  if (file)
    fclose(file);
  return fine;
}

bool hd_http_headers(const struct hd_curl *curl, const struct hd_url_options *options,
                     struct curl_slist **list, struct hd_error *error)
{
  bool fine = true;
  *list = NULL;
  if (options->user && !strchr(options->user, ':'))
    return hd_fail_usage(error, "--user wants NAME:PASSWORD; ~/.netrc keeps it off the command "
                                "line");
  for (size_t i = 0; fine && i < options->header_count; i++) {
    const char *text = options->headers[i];
    if (text[0] == '@')
      fine = add_file(curl, text + 1, list, error);
    else if (is_header(text))
      fine = add(curl, text, list, error);
    else
      fine = hd_fail_usage(error, "--header wants 'Name: value', in one line, or @FILE");
  }
  return fine;
}
