# Folds what `go tool pprof -traces -unit=B` prints: stacks between dashed lines,
# innermost frame first, the value before it.
function flush()
{
  if (stack != "" && value > 0)
    print stack " " value
  stack = ""
}
/^-----------\+/ { flush(); next }
/^ *bytes:/ { next }
/^ *[0-9]+B? +[^ ]/ { value = $1 + 0; sub(/^ *[0-9]+B? +/, ""); stack = $0; next }
/^ +[^ ]/ { sub(/^ +/, ""); stack = $0 ";" stack }
END { flush() }
