/* The project's DWARF decoders against libdw's: the same DIEs with the same attributes and
 * ranges, and the same lines, in all that the compilers here write. */
#include "symbols_fixture.h"

#include "symbols/dwarf.h"

#include <dwarf.h>

struct opened {
  struct hd_elf_file elf;
  struct hd_dwarf dwarf;
};

static bool open_program(const char *path, struct opened *opened)
{
  char reason[HD_REASON];
  bool found = false;
  struct hd_error error = HD_ERROR_INIT;
  assert_int_not_equal(elf_version(EV_CURRENT), EV_NONE);
  if (hd_elf_open(path, true, &opened->elf, reason) != HD_ELF_OPENED)
    return false;
  assert_true(hd_dwarf_open(&opened->dwarf, &opened->elf, &opened->elf, &found, &error));
  assert_true(found);
  assert_true(hd_dwarf_prepare(&opened->dwarf, &error));
  return true;
}

static void close_program(struct opened *opened)
{
  hd_dwarf_close(&opened->dwarf);
  hd_elf_close(&opened->elf);
}

/* --- DIEs */

static void check_text(Dwarf_Die *theirs, unsigned name, const char *ours)
{
  Dwarf_Attribute attribute;
  const char *text = dwarf_formstring(dwarf_attr(theirs, name, &attribute));
  assert_string_equal(ours ? ours : "", text ? text : "");
}

static void check_reference(Dwarf_Die *theirs, unsigned name, const struct hd_die *ours,
                            const struct hd_raw *raw)
{
  Dwarf_Attribute attribute;
  Dwarf_Die target;
  struct hd_die found;
  bool there = dwarf_formref_die(dwarf_attr(theirs, name, &attribute), &target) != NULL;
  assert_int_equal(there, raw->form && hd_die_follow(ours->unit, raw, &found));
  if (!there)
    return;
  assert_int_equal(found.offset, dwarf_dieoffset(&target));
  assert_int_equal(found.abbrev->tag, dwarf_tag(&target));
}

static void check_number(Dwarf_Die *theirs, unsigned name, const struct hd_raw *raw)
{
  Dwarf_Attribute attribute;
  Dwarf_Word value = 0;
  bool there = dwarf_formudata(dwarf_attr(theirs, name, &attribute), &value) == 0;
  assert_int_equal(hd_raw_line(raw), there && value <= INT32_MAX ? value : 0);
}

static size_t check_ranges(Dwarf_Die *theirs, const struct hd_die *ours)
{
  struct hd_ranges list;
  uint64_t start, end;
  Dwarf_Addr base, low, high;
  ptrdiff_t at = 0;
  size_t count = 0;
  if (!ours->abbrev->has_code && ours->unit->skeleton)
    return 0; /* of a split unit libdw gives those of its skeleton */
  if (!ours->abbrev->has_code) {
    assert_true(dwarf_ranges(theirs, 0, &base, &low, &high) <= 0);
    return 0;
  }
  hd_ranges_start(&list, ours->unit, &ours->low, &ours->high, &ours->ranges);
  while ((at = dwarf_ranges(theirs, at, &base, &low, &high)) > 0) {
    /* libdw passes empty ones over. */
    do
      assert_true(hd_ranges_next(&list, &start, &end));
    while (start == end && low != high);
    assert_int_equal(start, low);
    assert_int_equal(end, high);
    count++;
  }
  while (hd_ranges_next(&list, &start, &end))
    assert_int_equal(start, end);
  return count;
}

static size_t check_die(Dwarf_Die *theirs, const struct hd_die *ours)
{
  struct hd_raw values[HD_SLOTS];
  assert_int_equal(ours->offset, dwarf_dieoffset(theirs));
  assert_int_equal(ours->abbrev->tag, dwarf_tag(theirs));
  assert_int_equal(ours->abbrev->children, dwarf_haschildren(theirs));
  hd_die_read(ours, values);
  check_text(theirs, DW_AT_name, hd_raw_text(ours->unit, &values[HD_SLOT_NAME]));
  check_text(theirs, DW_AT_linkage_name,
             hd_raw_text(ours->unit, &values[HD_SLOT_LINKAGE_NAME]));
  check_number(theirs, DW_AT_decl_line, &values[HD_SLOT_DECL_LINE]);
  check_number(theirs, DW_AT_call_line, &values[HD_SLOT_CALL_LINE]);
  check_number(theirs, DW_AT_call_file, &values[HD_SLOT_CALL_FILE]);
  check_reference(theirs, DW_AT_abstract_origin, ours, &values[HD_SLOT_ORIGIN]);
  check_reference(theirs, DW_AT_specification, ours, &values[HD_SLOT_SPECIFICATION]);
  return check_ranges(theirs, ours);
}

/* What was compared: a test that compares nothing must not pass. */
struct tally {
  size_t dies, ranges, lines;
};

/* The children of a DIE; the walker is before the first. */
static void check_children(Dwarf_Die *parent, struct hd_walker *walker, struct tally *tally)
{
  Dwarf_Die theirs;
  struct hd_die ours;
  int more = dwarf_child(parent, &theirs);
  while (more == 0) {
    assert_true(hd_walker_next(walker, &ours));
    tally->dies++;
    tally->ranges += check_die(&theirs, &ours);
    struct hd_walker beside = *walker;
    hd_walker_skip_children(&beside, &ours);
    if (ours.abbrev->children)
      check_children(&theirs, walker, tally);
    assert_ptr_equal(walker->bytes.at, beside.bytes.at);
    more = dwarf_siblingof(&theirs, &theirs);
  }
  assert_int_equal(more, 1);
  assert_false(hd_walker_next(walker, &ours));
  assert_false(walker->bytes.failed);
}

static void check_tree(struct hd_unit *unit, Dwarf_Die *root, struct tally *tally)
{
  struct hd_walker walker;
  struct hd_die ours;
  assert_true(hd_walker_start(&walker, unit, unit->die_offset, UINT64_MAX));
  assert_true(hd_walker_next(&walker, &ours));
  tally->dies++;
  tally->ranges += check_die(root, &ours);
  if (ours.abbrev->children)
    check_children(root, &walker, tally);
}

/* --- lines */

static int by_address(const void *a, const void *b)
{
  const struct hd_wanted *x = a, *y = b;
  return x->address < y->address ? -1 : x->address > y->address;
}

static const char *base_name(const char *path)
{
  const char *slash = path ? strrchr(path, '/') : NULL;
  return slash ? slash + 1 : path ? path : "";
}

/* Whether a sequence ends there: libdw gives the row before even so, where that has the same
 * address. */
static bool is_end(Dwarf_Die *root, uint64_t address)
{
  Dwarf_Lines *lines;
  size_t count;
  assert_int_equal(dwarf_getsrclines(root, &lines, &count), 0);
  for (size_t i = 0; i < count; i++) {
    Dwarf_Line *line = dwarf_onesrcline(lines, i);
    Dwarf_Addr at;
    bool end = false;
    if (dwarf_lineaddr(line, &at) == 0 && at == address &&
        dwarf_lineendsequence(line, &end) == 0 && end)
      return true;
  }
  return false;
}

static void check_line(Dwarf_Die *root, struct hd_line_table *table,
                       const struct hd_wanted *wanted, struct hd_texts *texts)
{
  int number = 0;
  Dwarf_Line *line = dwarf_getsrc_die(root, wanted->address);
  assert_int_equal(dwarf_lineno(line, &number), 0);
  if (!wanted->has_line) {
    Dwarf_Addr row;
    assert_int_equal(dwarf_lineaddr(line, &row), 0);
    assert_true(is_end(root, row));
    return;
  }
  assert_int_equal(wanted->line, number);
  assert_string_equal(base_name(hd_line_table_path(table, wanted->file, texts)),
                      base_name(dwarf_linesrc(line, NULL, NULL)));
}

static void check_lines(const struct hd_dwarf *dwarf, struct hd_unit *unit, Dwarf_Die *root,
                        struct tally *tally)
{
  Dwarf_Lines *lines;
  size_t count, kept = 0;
  struct hd_line_table table;
  struct hd_error error = HD_ERROR_INIT;
  struct hd_arena arena = HD_ARENA_INIT;
  struct hd_texts texts = {.arena = &arena};
  if (dwarf_getsrclines(root, &lines, &count) != 0 || !count)
    return;
  struct hd_wanted *wanted = calloc(2 * count, sizeof *wanted);
  assert_non_null(wanted);
  for (size_t i = 0; i < 2 * count; i++) {
    Dwarf_Addr address;
    assert_int_equal(dwarf_lineaddr(dwarf_onesrcline(lines, i / 2), &address), 0);
    address += i % 2;
    bool end = false;
    Dwarf_Line *line = dwarf_getsrc_die(root, address);
    if (hd_elf_executable(dwarf->code, address) && line &&
        dwarf_lineendsequence(line, &end) == 0 && !end)
      wanted[kept++].address = address;
  }
  qsort(wanted, kept, sizeof *wanted, by_address);
  assert_true(hd_line_table_read(unit, unit->stmt_list, hd_raw_text(unit, &unit->comp_dir),
                                 &table, &error));
  assert_true(hd_line_table_run(dwarf->code, &table, wanted, kept, &error));
  for (size_t i = 0; i < kept; i++)
    check_line(root, &table, &wanted[i], &texts);
  tally->lines += kept;
  free(wanted);
  hd_line_table_deinit(&table);
  hd_texts_deinit(&texts);
  hd_arena_deinit(&arena);
}

/* --- programs */

static void check_split(const struct hd_dwarf *dwarf, struct hd_unit *unit, Dwarf_Die *theirs,
                        struct tally *tally)
{
  struct hd_split split;
  struct hd_error error = HD_ERROR_INIT;
  assert_true(hd_split_open(dwarf, unit, &split, &error));
  assert_non_null(split.body);
  check_tree(split.body, theirs, tally);
  hd_split_close(&split);
}

static void check_file(const char *path, struct tally *tally)
{
  struct opened opened;
  Dwarf_CU *cu = NULL;
  Dwarf_Half version;
  uint8_t type;
  Dwarf_Die root, body;
  size_t i = 0;
  *tally = (struct tally){0};
  if (!open_program(path, &opened))
    fail_msg("cannot open %s", path);
  struct hd_dwarf *dwarf = &opened.dwarf;
  while (dwarf_get_units(dwarf->handle, cu, &cu, &version, &type, &root, &body) == 0) {
    if (type == DW_UT_type && version < 5)
      continue; /* in a section of their own, which has no code */
    assert_true(i < dwarf->main.units.count);
    struct hd_unit *unit = &dwarf->main.units.items[i++];
    assert_int_equal(unit->sizes.version, version);
    check_tree(unit, &root, tally);
    check_lines(dwarf, unit, &root, tally);
    if (type == DW_UT_skeleton)
      check_split(dwarf, unit, &body, tally);
    hd_dwarf_leave_unit(dwarf, unit);
  }
  assert_int_equal(i, dwarf->main.units.count);
  close_program(&opened);
  print_message("  %s: %zu DIEs, %zu ranges, %zu lines\n", path, tally->dies, tally->ranges,
                tally->lines);
  assert_true(tally->dies > 2 && tally->ranges > 1 && tally->lines > 4);
}

static void check_compiler(const char *compiler)
{
  static const char *const flags[] = {
      "-O2 -gdwarf-5", "-O0 -gdwarf-5", "-O2 -gdwarf-4", "-O2 -gdwarf-3", "-O2 -gdwarf-2",
      "-O2 -g -gz=zlib", "-O2 -gdwarf-5 -gsplit-dwarf", "-O2 -gdwarf-4 -gsplit-dwarf",
      "-O2 -gdwarf-5 -fdebug-types-section", "-O2 -gdwarf-4 -fdebug-types-section",
      "-O2 -g -flto", "-O2 -g -ffunction-sections -Wl,--gc-sections",
  };
  struct tally tally;
  if (!have(compiler))
    skip();
  write_text("chain.c", chain_source);
  for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
    if (shell("rm -f chain *.dwo && %s %s chain.c -o chain", compiler, flags[i]))
      check_file(in_scratch("chain"), &tally);
}

static void test_gcc(void **state)
{
  (void)state;
  check_compiler("gcc");
}

static void test_clang(void **state)
{
  (void)state;
  check_compiler("clang");
}

/* Programs of the build: C, C++, and Rust with its library. */
static void test_programs(void **state)
{
  (void)state;
  static const char *const names[] = {"containers", "leaky-service", "static", "rust-leak"};
  struct tally tally;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", PROGRAMS, names[i]);
    if (access(path, R_OK) == 0)
      check_file(path, &tally);
  }
}

static void test_go(void **state)
{
  (void)state;
  struct tally tally;
  write_text("main.go", "package main\n\nimport \"fmt\"\n\nfunc main() {\n"
                        "\tfmt.Println(\"hello\", len(fmt.Sprint(1)))\n}\n");
  if (!shell("HOME=$PWD GOCACHE=$PWD/cache GOFLAGS=-mod=mod go build -o goprogram main.go"))
    skip();
  check_file(in_scratch("goprogram"), &tally);
}

/* References into dwz's common file. */
static void test_dwz(void **state)
{
  (void)state;
  struct tally tally;
  struct opened opened;
  write_text("chain.cc", "#include <map>\n#include <string>\n"
                         "int main(int argc, char **argv)\n{\n"
                         "  std::map<std::string, int> map;\n"
                         "  map[argv[0]] = argc;\n  return (int)map.size();\n}\n");
  if (!shell("g++ -O1 -g chain.cc -o first && cp first second && dwz -m common first second"))
    skip();
  assert_true(open_program(in_scratch("first"), &opened));
  assert_non_null(opened.dwarf.main.alternate);
  close_program(&opened);
  check_file(in_scratch("first"), &tally);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_gcc), cmocka_unit_test(test_clang), cmocka_unit_test(test_programs),
      cmocka_unit_test(test_go),  cmocka_unit_test(test_dwz),
  };
  return cmocka_run_group_tests_name("dwarf_oracle", tests, make_scratch, remove_scratch);
}
