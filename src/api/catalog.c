/* The words that options take, for help and completion. */
#include "analysis/growth.h"
#include "analysis/series.h"
#include "readers/reader.h"

#include <heapdiff/query.h>

const char *hd_measure_name(size_t i)
{
  return i < HD_MEASURES ? hd_measures[i].name : NULL;
}

const char *hd_grouping_name(size_t i)
{
  return hd_grouping_names[i];
}

const char *hd_sort_name(size_t i)
{
  return hd_sort_names[i];
}

const char *hd_format_name(size_t i)
{
  return i < hd_reader_count ? hd_readers[i]->name : NULL;
}

const char *hd_format_summary(size_t i)
{
  return i < hd_reader_count ? hd_readers[i]->summary : NULL;
}
