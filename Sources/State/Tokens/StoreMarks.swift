import EventLoop
import Model
import Store

/// The state of a worker that owns the registry.
package protocol StoreOwner: SendableMetatype {
  /// The registry, opened if necessary; on the worker's thread.
  mutating func openStore() throws(StoreError) -> Store
}

/// Marks as settings (notes) of the registry, written by the registry's own worker without gathering: a commit returns
/// when it is on the disk (write-ahead log, `synchronous = FULL`). Notes need no table of their own, and those of the
/// ledger lie beside each other, so that a commit changes one or two pages.
package final class StoreMarks<Owner: StoreOwner>: TokenMarks {
  private let worker: any JobQueue<Owner>
  private let onCommitted: () -> Void

  /// The prefix of the notes' keys.
  private static var prefix: String { "tokens." }

  /// Marks in the registry of a worker.
  /// - Parameter onCommitted: called on the loop after each commit, to count what was written.
  package init(_ worker: any JobQueue<Owner>, onCommitted: @escaping () -> Void = {}) {
    self.worker = worker
    self.onCommitted = onCommitted
  }

  package func load(_ done: @escaping (Result<[TokenRecord], TokenStorageFailure>) -> Void) {
    let prefix = Self.prefix
    worker.submit(
      { owner -> Result<[TokenRecord], TokenStorageFailure> in
        do throws(StoreError) {
          let store = try owner.openStore()
          defer { store.releaseMemory() }
          return .success(try store.notes(beginning: prefix).map { TokenRecord(key: $0.key, text: $0.text) })
        } catch {
          return .failure(TokenStorageFailure(error.description))
        }
      }, then: done)
  }

  package func commit(
    _ records: [TokenRecord], _ done: @escaping (Result<Void, TokenStorageFailure>) -> Void
  ) {
    let changes = records.map { StoreChange.setNote("\(Self.prefix)\($0.key)", $0.text) }
    worker.submit(
      { owner -> TokenStorageFailure? in
        do throws(StoreError) {
          let store = try owner.openStore()
          defer { store.releaseMemory() }
          try store.apply(changes)
          return nil
        } catch {
          return TokenStorageFailure(error.description)
        }
      },
      then: { [onCommitted] failure in
        done(failure.map { .failure($0) } ?? .success(()))
        onCommitted()
      })
  }
}
