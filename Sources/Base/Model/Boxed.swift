/// A value that has a default.
package protocol Defaulted: Hashable, Sendable {
  /// The default.
  static var usual: Self { get }
}

/// A large part that most values of a kind lack: out of line, and only while it differs from its default.
package enum Boxed<Value: Defaulted>: Sendable, Hashable {
  case usual
  indirect case other(Value)

  package init(_ value: Value) { self = value == .usual ? .usual : .other(value) }

  /// The value; setting the default frees the box.
  package var value: Value {
    get { if case .other(let value) = self { value } else { .usual } }
    set { self = Self(newValue) }
  }
}
