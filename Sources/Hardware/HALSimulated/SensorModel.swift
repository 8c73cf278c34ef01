import Glibc
import HAL
import Model

/// The value of a simulated sensor as a function of time, so that the reading rate does not matter.
protocol SensorModel {
  func value(at now: Instant) -> Double
}

/// A quantity that follows its target with a time constant: x' = k (target - x).
///
/// While no actuator changes, k and the target are constant and the solution is exact:
/// x(t) = target + (x0 - target) e^(-k t).
final class FirstOrder: SensorModel {
  /// The rate (1/s) and the target at the actuators' current levels.
  private let course: () -> (rate: Double, target: Double)
  private var origin: Double
  private var since: Instant
  private var rate = 0.0
  private var target = 0.0

  init(start: Double, at since: Instant, course: @escaping () -> (rate: Double, target: Double)) {
    self.course = course
    self.since = since
    origin = start
    redirect()
  }

  func value(at now: Instant) -> Double { target + (origin - target) * exp(-rate * (now - since).seconds) }

  func rebase(at now: Instant) {
    origin = value(at: now)
    since = now
  }

  func redirect() { (rate, target) = course() }
}

/// A constant or a sine, plus the influences of actuators, which act without delay.
struct Wave: SensorModel {
  let mean: Double
  let amplitude: Double
  let period: Duration
  let phase: Duration
  let influences: [Influence]
  let world: World

  func value(at now: Instant) -> Double {
    var value = mean + world.sum(influences)
    if amplitude != 0 {
      value += amplitude * sin(2 * .pi * (world.elapsed(now) + phase).seconds / period.seconds)
    }
    return value
  }
}

/// A sequence of values, held or interpolated linearly.
struct Script: SensorModel {
  struct Step {
    var at: Duration
    var value: Double
  }

  let steps: [Step]
  /// The duration of one round.
  let length: Duration
  let repeats: Bool
  let ramps: Bool
  let start: Instant

  func value(at now: Instant) -> Double {
    var offset = now - start
    if repeats { offset = .nanoseconds(offset.nanoseconds % length.nanoseconds) }
    guard let index = steps.lastIndex(where: { $0.at <= offset }) else { return steps[0].value }
    let step = steps[index]
    guard ramps, index + 1 < steps.count || repeats else { return step.value }
    let next = index + 1 < steps.count ? steps[index + 1] : Step(at: length + steps[0].at, value: steps[0].value)
    let share = (offset - step.at).seconds / max(1e-9, (next.at - step.at).seconds)
    return step.value + (next.value - step.value) * min(1, share)
  }
}

/// Adds noise to a model and clamps it to a range.
struct Bounded: SensorModel {
  let model: any SensorModel
  let noise: Double
  let range: ClosedRange<Double>
  let seed: UInt64
  let name: String

  func value(at now: Instant) -> Double {
    var value = model.value(at: now)
    if noise > 0 {
      // The noise changes every 10 ms of simulated time and depends on that time only.
      var source = Noise(seed: seed, name, now.nanoseconds / 10_000_000)
      value += noise * source.normal()
    }
    return min(max(value, range.lowerBound), range.upperBound)
  }
}
