import CLinux
import Model

/// Jobs for one thread, in order, urgent ones first. The thread starts when there is work and ends when idle.
///
/// SAFETY: every variable is accessed under `lock` only; `lock` and `signal` live as long as the object.
@safe final class Queue: @unchecked Sendable {
  let name: String
  private let idleNanoseconds: Int64
  private let lock: UnsafeMutablePointer<pthread_mutex_t>
  private let signal: UnsafeMutablePointer<pthread_cond_t>
  private var jobs: [@Sendable () -> Void] = []
  private var urgentJobs: [@Sendable () -> Void] = []
  private var hasThread = false
  private var running = 0
  private var jobBegan: UInt64 = 0
  private var isVital = false

  init(name: String, idle: Duration) {
    self.name = name
    // At most a century, so that adding it to the clock cannot overflow.
    idleNanoseconds = min(max(0, idle.nanoseconds), 100 * 365 * 86_400 * 1_000_000_000)
    unsafe lock = .allocate(capacity: 1)
    unsafe signal = .allocate(capacity: 1)
    unsafe pthread_mutex_init(lock, nil)
    var attributes = pthread_condattr_t()
    unsafe pthread_condattr_init(&attributes)
    // Measure idle time on the monotonic clock, as the wall clock may jump.
    unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    unsafe pthread_cond_init(signal, &attributes)
    unsafe pthread_condattr_destroy(&attributes)
  }

  deinit {
    unsafe pthread_cond_destroy(signal)
    unsafe pthread_mutex_destroy(lock)
    unsafe signal.deallocate()
    unsafe lock.deallocate()
  }

  /// Call it under `lock`.
  private var isEmpty: Bool { jobs.isEmpty && urgentJobs.isEmpty }

  /// The number of jobs that wait or run. Call it under `lock`.
  private var unfinished: Int { jobs.count + urgentJobs.count + running }

  var pending: Int { locked { unfinished } }

  var status: WorkerStatus {
    locked {
      WorkerStatus(
        name: name, pending: unfinished,
        busySince: running > 0 ? Instant(nanoseconds: jobBegan) : nil, isVital: isVital)
    }
  }

  func makeVital() { locked { isVital = true } }

  /// Adds a job, and starts the thread if it does not run.
  /// - Returns: false when no thread could be started; the job waits, and the caller must try `ensureThread` later.
  func add(urgent: Bool = false, _ job: @escaping @Sendable () -> Void) -> Bool {
    locked { if urgent { urgentJobs.append(job) } else { jobs.append(job) } }
    return ensureThread()
  }

  /// Starts the thread if there is work and none runs.
  /// - Returns: false when the system refuses a thread.
  func ensureThread() -> Bool {
    let start = locked {
      unsafe pthread_cond_signal(signal)
      defer { hasThread = hasThread || !isEmpty }
      return !hasThread && !isEmpty
    }
    if !start || startThread() { return true }
    locked { hasThread = false }
    return false
  }

  private func locked<Result>(_ body: () -> Result) -> Result {
    unsafe pthread_mutex_lock(lock)
    defer { unsafe pthread_mutex_unlock(lock) }
    return body()
  }

  /// Waits for the next job and removes it from the queue; nil after the idle time, and then the thread must end.
  private func next() -> (@Sendable () -> Void)? {
    locked {
      running = 0
      var deadline = timespec()
      unsafe clock_gettime(CLOCK_MONOTONIC, &deadline)
      let nanoseconds = Int64(deadline.tv_nsec) + idleNanoseconds
      deadline.tv_sec += Int(nanoseconds / 1_000_000_000)
      deadline.tv_nsec = Int(nanoseconds % 1_000_000_000)
      while isEmpty {
        if unsafe pthread_cond_timedwait(signal, lock, &deadline) == ETIMEDOUT && isEmpty {
          hasThread = false
          return nil
        }
      }
      running = 1
      unsafe clock_gettime(CLOCK_MONOTONIC, &deadline)
      jobBegan = UInt64(deadline.tv_sec) * 1_000_000_000 + UInt64(deadline.tv_nsec)
      return urgentJobs.isEmpty ? jobs.removeFirst() : urgentJobs.removeFirst()
    }
  }

  private func startThread() -> Bool {
    var attributes = pthread_attr_t()
    unsafe pthread_attr_init(&attributes)
    unsafe pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    // Enough for SQLite, libv4l's conversions and the JPEG encoder. Only touched pages use memory.
    unsafe pthread_attr_setstacksize(&attributes, 512 << 10)
    defer { unsafe pthread_attr_destroy(&attributes) }
    var thread = pthread_t()
    // SAFETY: the thread releases the reference that is retained here.
    let context = unsafe Unmanaged.passRetained(self).toOpaque()
    let result = unsafe pthread_create(
      &thread, &attributes,
      { context in
        guard let context = unsafe context else { return nil }
        let queue = unsafe Unmanaged<Queue>.fromOpaque(context).takeRetainedValue()
        _ = unsafe queue.name.withCString { unsafe pthread_setname_np(pthread_self(), $0) }
        while let job = queue.next() { job() }
        return nil
      }, context)
    if result != 0 {
      // SAFETY: no thread was started, so the reference is still ours.
      unsafe Unmanaged<Queue>.fromOpaque(context).release()
    }
    return result == 0
  }
}
