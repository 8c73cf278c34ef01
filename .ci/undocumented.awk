# Prints public and package declarations without a docstring. Run as: awk -f undocumented.awk pass=1 FILES pass=2 FILES
# Implementations of our own protocols, and of those of the standard library below, are documented at the protocol.
BEGIN {
  count = split("description debugDescription hash == < encode rawValue hashValue startIndex endIndex subscript index " \
    "stringLiteral integerLiteral booleanLiteral floatLiteral nilLiteral arrayLiteral dictionaryLiteral from " \
    "enqueue asUnownedSerialExecutor makeIterator next run validate", names, " ")
  for (i = 1; i <= count; i++) witness[names[i]] = 1
}
FNR == 1 { documented = 0; inside = 0 }
/^[ \t]*\/\/\// { documented = 1; next }
/^[ \t]*@/ && !/(func|var|let|init|struct|class|enum|protocol|typealias)[ (]/ { next }
pass == 1 {
  if ($0 ~ /^((public|package) )?protocol /) inside = 1
  else if ($0 ~ /^}/) inside = 0
  else if (inside && documented && $0 ~ /^  (mutating |static )*(func|var|init)[ (]/) witness[nameOf($0)] = 1
  documented = 0
  next
}
/^[ \t]*(@[A-Za-z]+(\([^)]*\))? )*(public|open|package) [^&|]*(func|var|let|init|struct|class|enum|protocol|subscript)[^a-zA-Z]/ {
  if (!documented && !(nameOf($0) in witness)) printf "%s:%d: %s\n", FILENAME, FNR, $0
}
{ documented = 0 }
function nameOf(line,    text) {
  text = line
  if (text ~ /[^a-zA-Z]subscript[^a-zA-Z]/) return "subscript"
  if (text ~ /(^|[^a-zA-Z])init[?]?[(<]/) {
    # The name of an initialiser is its first label, or "init" if that is _.
    sub(/init[?]?(<[^>]*>)?\(/, "\n", text)
    sub(/^[^\n]*\n/, "", text)
    sub(/[ :)].*$/, "", text)
    return text == "_" ? "init" : text
  }
  sub(/^.*(func|var|let|struct|class|enum|protocol) +/, "", text)
  if (text ~ /^==/) return "=="
  if (text ~ /^<[^a-zA-Z]/) return "<"
  sub(/[^A-Za-z0-9_].*$/, "", text)
  return text
}
