import Agent
import HAL
import Model
import Watchdog

/// The parts that all agents of a supervisor share.
final class AgentSurroundings {
  let clock: any Timekeeper
  let events: any EventSink
  let hardware: Hardware
  let files: any FileReading
  let model: (any ModelGateway)?
  let registry: any AgentRegistry
  let budgets: BudgetBook
  /// The agents and rules that move nothing.
  let shadows: Shadows
  /// How many log lines are kept for each agent.
  let logLines: Int
  /// Remembers quarantines; nil when they end with the supervisor.
  var quarantines: (any QuarantineStore)?
  /// Knows what led to what; nil when nobody does.
  weak var history: (any EventHistory)?
  /// While it is true, as during an emergency stop, no activation begins.
  var isPaused = false
  /// Whether deliveries for agents of priority `background` are held back.
  var isThrottled = false
  /// How many deliveries left agents' queues so far, handled or dropped.
  var taken: UInt64 = 0
  /// Called with each new line of a log.
  var onLine: (LogLine) -> Void = { _ in }
  /// Called when the start of an agent's instance begins.
  var onStartBegun: (ManagedAgent) -> Void = { _ in }
  /// Called when an agent's instance has started.
  var onStart: (ManagedAgent) -> Void = { _ in }
  /// Called with each change in the life of an agent, once its event is published.
  var onNews: (ManagedAgent, LifecycleNews, Cause?) -> Void = { _, _, _ in }
  /// Called with each report of an agent that rules ask for.
  var onReport: (AgentID) -> Void = { _ in }
  /// Why a child agent may not run now; nil when it may.
  var obstacleOfChild: (ManagedAgent) -> String? = { _ in nil }
  private var random: any RandomNumberGenerator

  init(
    clock: any Timekeeper, events: any EventSink, hardware: Hardware, files: any FileReading,
    model: (any ModelGateway)?, registry: any AgentRegistry, logLines: Int, random: any RandomNumberGenerator
  ) {
    self.clock = clock
    self.events = events
    self.hardware = hardware
    self.files = files
    self.model = model
    self.registry = registry
    self.logLines = logLines
    self.random = random
    budgets = BudgetBook(clock: clock)
    shadows = Shadows(hardware: hardware, events: events, clock: clock)
  }

  /// A number from 0 to 1 that spreads the times of restarts.
  func chance() -> Double { Double.random(in: 0...1, using: &random) }

  /// Has those of the sensors measured that are on the board.
  func measure(_ isWanted: (DeviceID) -> Bool) -> [SubscriptionID] {
    hardware.board.devices.compactMap { device in
      guard case .sensor = device.kind, isWanted(device.id) else { return nil }
      return try? hardware.subscribe(device.id, every: nil, deadband: nil)
    }
  }
}
