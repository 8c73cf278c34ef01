#if !hasFeature(Embedded)
  /// An agent that is linked into the daemon, and its name in manifests.
  public struct AgentType {
    /// The name in `runtime.entry`.
    public let name: String
    /// Creates an instance.
    public let make: () -> any Agent

    /// Registers `type` under `name`.
    public init(_ name: String, _ type: (some Agent).Type) {
      self.name = name
      make = { type.init() }
    }
  }
#endif
