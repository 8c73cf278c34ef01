/// Where marks are kept over a power cut: records of a key and a text. All calls are made on the loop's thread, and no
/// call waits for the disk.
package protocol TokenMarks: AnyObject {
  /// Reads all records.
  /// - Parameter done: called once, later, on the loop's thread.
  func load(_ done: @escaping (Result<[TokenRecord], TokenStorageFailure>) -> Void)

  /// Writes all records in one transaction, or none. After a failure they may be written or not.
  /// - Parameter done: called once, later, on the loop's thread: when the records survive a power cut, or cannot be
  ///   written.
  func commit(_ records: [TokenRecord], _ done: @escaping (Result<Void, TokenStorageFailure>) -> Void)
}

/// One durable record of the ledger.
package struct TokenRecord: Sendable, Hashable {
  /// The key, which is unique.
  package var key: String
  /// The content; nil removes the record.
  package var text: String?

  /// A record.
  package init(key: String, text: String?) {
    self.key = key
    self.text = text
  }
}

/// Why the records of the ledger could not be read or written.
package struct TokenStorageFailure: Error, Sendable, Hashable, CustomStringConvertible {
  /// One sentence without a full stop.
  package var description: String

  /// A failure with this sentence.
  package init(_ description: String) { self.description = description }
}
