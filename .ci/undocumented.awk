# Prints public declarations without a docstring. Names whose meaning a protocol of the standard library or of ours
# gives (a witness) need none of their own.
BEGIN {
  split("description debugDescription hash == < encode rawValue hashValue startIndex endIndex subscript index " \
    "stringLiteral integerLiteral booleanLiteral floatLiteral nilLiteral arrayLiteral dictionaryLiteral from " \
    "errorDescription callAsFunction now wallMilliseconds wallIsSynchronised schedule cancel publish events event " \
    "chain listen endListen total enqueue asUnownedSerialExecutor makeIterator next", names, " ")
  for (i in names) witness[names[i]] = 1
}
/^[ \t]*\/\/\// { documented = 1; next }
/^[ \t]*@/ && !/(func|var|let|init|struct|class|enum|protocol)[ (]/ { next }
/^[ \t]*(@[A-Za-z_()]+ )*(public|open) / {
  if (!documented && $0 !~ /public (private\(set\) )?(extension|import)/ && $0 !~ /^[ \t]*(@[a-z]+ )*public typealias/) {
    text = $0
    sub(/^.*(func|var|let|struct|class|enum|protocol|actor|typealias) +/, "", text)
    name = text
    sub(/[ (<:{].*$/, "", name)
    if ($0 ~ /init[?]?[(<]/) { name = $0; sub(/^.*init[?]?[^(]*\(/, "", name); sub(/[ :)].*$/, "", name) }
    inherited = FILENAME ":" in conforms
    if (!(name in witness) && !witnessed[name] && !override($0)) printf "%s:%d: %s\n", FILENAME, FNR, $0
  }
}
{ documented = 0 }
function override(line) { return line ~ /\<override\>/ }
