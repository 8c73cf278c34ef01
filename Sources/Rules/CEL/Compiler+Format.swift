extension Compiler {
  /// `format`, checked as far as its text is constant and its values are a list literal.
  mutating func format(
    _ function: Function, _ text: Syntax, _ list: Syntax, _ offset: Int
  ) throws(CELError) -> Checked {
    let format = try compile(text)
    guard case .list(let items) = list.kind, !items.contains(where: \.isOptional) else {
      let values = try compile(list)
      _ = try clauses(of: format, offset)
      return try call(function, [format, values], offset)
    }
    let elements = try self.elements(items)
    if let clauses = try clauses(of: format, offset) {
      guard clauses.count == items.count else {
        throw typeError("format(): \(clauses.count) clauses for \(items.count) values", offset)
      }
      for (index, clause) in clauses.enumerated() where !clause.verb.takes(elements.types[index]) {
        throw typeError(clause.verb.refusal(of: elements.types[index]), items[index].value.offset)
      }
    }
    return try call(function, [format, self.list(items, elements, list.offset)], offset)
  }

  /// nil when the text is not constant.
  private func clauses(of format: Checked, _ offset: Int) throws(CELError) -> [FormatString.Clause]? {
    guard case .string(let text)? = format.constant else { return nil }
    do throws(CELError) { return try FormatString(text).clauses } catch { throw typeError(error.message, offset) }
  }
}
