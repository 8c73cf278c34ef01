/// A table of text: columns as wide as their longest cell, two spaces apart.
package struct Table: Sendable {
  private var rows: [[String]]
  private let rightAligned: Set<Int>

  /// Creates a table without rows.
  /// - Parameters:
  ///   - headings: one for each column.
  ///   - rightAligned: the indices of right-aligned columns, for numbers.
  package init(_ headings: [String], rightAligned: Set<Int> = []) {
    rows = [headings]
    self.rightAligned = rightAligned
  }

  /// Adds a row. Empty cells are shown as `-`, and control characters are escaped.
  package mutating func add(_ cells: [String]) { rows.append(cells.map { $0.isEmpty ? "-" : $0.printable }) }

  /// The lines, headings first, without line breaks and trailing spaces.
  package var lines: [String] {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
    return rows.map { row in
      var line = ""
      for (column, cell) in row.enumerated() {
        let gap = String(repeating: " ", count: widths[column] - cell.count)
        line += rightAligned.contains(column) ? gap + cell : cell + gap
        if column < row.count - 1 { line += "  " }
      }
      while line.last == " " { line.removeLast() }
      return line
    }
  }
}
