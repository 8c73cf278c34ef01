import Model

/// A list in CEL. Elements of the daemon's own `Value` type are converted only when they are accessed.
public struct CELList: Sendable, RandomAccessCollection {
  private enum Storage: Sendable {
    case converted([CELValue])
    case plain([Value])
  }

  private let storage: Storage

  /// A list of CEL values.
  public init(_ values: [CELValue]) { storage = .converted(values) }

  /// A list of the daemon's own values, converted on access.
  public init(_ values: [Value]) { storage = .plain(values) }

  public var startIndex: Int { 0 }

  public var endIndex: Int {
    switch storage {
    case .converted(let values): values.count
    case .plain(let values): values.count
    }
  }

  public subscript(position: Int) -> CELValue {
    switch storage {
    case .converted(let values): values[position]
    case .plain(let values): CELValue(values[position])
    }
  }

  /// The daemon's own values; nil for a list of CEL values.
  var plain: [Value]? { if case .plain(let values) = storage { values } else { nil } }
}
