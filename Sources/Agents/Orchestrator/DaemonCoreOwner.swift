import HAL
import Model
import Store

/// What the core asks of its owner, the daemon.
package protocol DaemonCoreOwner: AnyObject {
  /// Why only the outputs may be touched; nil outside safe mode.
  var safeMode: String? { get }

  /// The agents of the configuration. Called once, outside safe mode or when it ends.
  func manifests() -> [Manifest]

  /// Checks an agent again that was registered at run time.
  /// - Returns: nil when it is left out. The owner reports why.
  func manifest(of kept: StoredAgent) -> Manifest?

  /// The registry could not be read before the start, and has been read now. Its contents are adopted after this call.
  func readLate(_ kept: StoredRegistry.Contents)

  /// Something was left out, and the rest goes on.
  /// - Parameter problem: one sentence.
  func failed(_ problem: String)
}

/// The guardian as the core needs it: it keeps the leases of outputs.
package protocol DaemonCoreGuardian: LeaseStore {
  /// Called before the hardware is opened.
  func start()

  /// The outputs are open. Called once.
  func charge()
}
