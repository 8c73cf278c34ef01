import Model

/// A list in CEL: of CEL values, or of values that are converted one by one when they are looked at.
public struct CELList: Sendable, RandomAccessCollection {
  private enum Storage: Sendable {
    case converted([CELValue])
    case plain([Value])
  }

  private let storage: Storage

  /// A list of CEL values.
  public init(_ values: [CELValue]) { storage = .converted(values) }

  /// A list of values of the daemon's own vocabulary.
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

  /// The values it was made of when it was made of plain ones.
  var plain: [Value]? { if case .plain(let values) = storage { values } else { nil } }
}
