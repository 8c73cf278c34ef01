#if !hasFeature(Embedded)
  /// An agent that is linked into the daemon, under the name that manifests call it by (`runtime.entry`).
  public struct AgentType {
    /// What `runtime.entry` says.
    public let name: String
    /// Makes an instance.
    public let make: () -> any Agent

    /// Names `type` for manifests.
    public init(_ name: String, _ type: (some Agent).Type) {
      self.name = name
      make = { type.init() }
    }
  }
#endif
