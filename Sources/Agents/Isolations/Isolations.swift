import Agent
import AgentInProcess
import AgentWASM
import EventLoop
import Model

/// The isolations of this release. A new one is a line of `all`.
public enum Isolations {
  private static let all: [(isolation: Isolation, driver: @Sendable (DriverSite) -> any AgentDriver)] = [
    (InProcessDriver.isolation, { InProcessDriver(types: $0.types, witness: $0.witness) }),
    (
      WASMDriver.isolation,
      {
        WASMDriver($0.loop, folder: $0.modules, home: $0.home, compiler: $0.program, witness: $0.witness)
      }
    ),
  ]

  /// What each of them says of itself.
  public static let known: [Isolation] = all.map(\.isolation)

  /// What is to be known of a driver's isolation; nil when this release does not have it.
  public static func of(_ driver: Manifest.Driver) -> Isolation? { known.first { $0.kind == driver } }

  /// A driver for each.
  public static func drivers(_ site: DriverSite) -> [any AgentDriver] { all.map { $0.driver(site) } }

  /// A driver for one; nil when this release does not have it.
  public static func driver(_ kind: Manifest.Driver, _ site: DriverSite) -> (any AgentDriver)? {
    all.first { $0.isolation.kind == kind }?.driver(site)
  }
}

/// Where drivers do their work; each takes of it what it needs.
public struct DriverSite {
  /// What they run on.
  public var loop: any Loop
  /// `$OPENSTARRY_HOME`, with the folder `plugins`.
  public var home: String
  /// The folder for what is made of agents' files, such as compiled modules: nobody else may write to it.
  public var modules: String
  /// A program that calls `ModuleCompiler.runIfAsked` first of all.
  public var program: String
  /// The agents that are linked into the program.
  public var types: [AgentType]
  /// Is told whenever code of an agent runs in the program.
  public var witness: (any CodeWitness)?

  /// A place for drivers; see its properties.
  public init(
    _ loop: any Loop, home: String, modules: String, program: String = "/proc/self/exe", types: [AgentType] = [],
    witness: (any CodeWitness)? = nil
  ) {
    self.loop = loop
    self.home = home
    self.modules = modules
    self.program = program
    self.types = types
    self.witness = witness
  }
}
