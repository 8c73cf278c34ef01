/// Columns of text under their headings, two spaces apart, as wide as their longest cell.
public struct Table: Sendable {
  private var rows: [[String]]
  private let rightAligned: Set<Int>

  /// A table without rows.
  /// - Parameters:
  ///   - headings: one a column.
  ///   - rightAligned: the columns, from 0, whose cells are numbers.
  public init(_ headings: [String], rightAligned: Set<Int> = []) {
    rows = [headings]
    self.rightAligned = rightAligned
  }

  /// Adds a row; an empty cell is shown as `-`, and control characters are written out.
  public mutating func add(_ cells: [String]) { rows.append(cells.map { $0.isEmpty ? "-" : $0.printable }) }

  /// The lines, heading first, without line breaks and without spaces at their ends.
  public var lines: [String] {
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
