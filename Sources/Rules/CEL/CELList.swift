import Model

/// A list in CEL. Elements of the daemon's own `Value` type are converted only when they are accessed.
package struct CELList: Sendable, RandomAccessCollection {
  private enum Storage: Sendable {
    case converted([CELValue])
    case plain([Value])
  }

  private let storage: Storage

  /// A list of CEL values.
  package init(_ values: [CELValue]) { storage = .converted(values) }

  /// A list of the daemon's own values, converted on access.
  package init(_ values: [Value]) { storage = .plain(values) }

  package var startIndex: Int { 0 }

  package var endIndex: Int {
    switch storage {
    case .converted(let values): values.count
    case .plain(let values): values.count
    }
  }

  package subscript(position: Int) -> CELValue {
    switch storage {
    case .converted(let values): values[position]
    case .plain(let values): CELValue(values[position])
    }
  }

  /// The daemon's own values; nil for a list of CEL values.
  var plain: [Value]? { if case .plain(let values) = storage { values } else { nil } }
}
