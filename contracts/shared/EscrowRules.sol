// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title The rules of one escrow deal, the same in every revision.
/// @notice Holds the payer's ether until enough parties approve and the release time has passed.
/// The revisions differ only in the event their constructor emits.
abstract contract EscrowRules {
    enum Status {
        Created,
        Approved,
        Released,
        Refunded
    }

    event Approved(address indexed approver);
    event EscrowReleased(address indexed payee, uint256 amount, uint256 timestamp);
    event EscrowRefunded(address indexed payer, uint256 amount, uint256 timestamp);
    event ArbiterChanged(address indexed oldArbiter, address indexed newArbiter);

    error AmountIsZero();
    error PartyIsZero();
    error PartiesNotDistinct();
    error ApprovalsOutOfRange(uint8 approvalsRequired);
    error ArbiterRequired();
    error NotAParty(address caller);
    error NotThePayer(address caller);
    error NotTheArbiter(address caller);
    error AlreadyApproved(address approver);
    error ArbiterHasApproved();
    error AlreadySettled();
    error ApprovalsMissing(uint8 approvalCount, uint8 approvalsRequired);
    error ReleaseTimeNotReached(uint256 releaseTime);
    error RefundTimeNotReached(uint256 refundTime);
    error PaymentFailed(address recipient);

    /// @notice How long after the release time the payer must wait before taking the money back.
    uint256 public constant REFUND_DELAY = 30 days;

    address public immutable payer;
    address public immutable payee;
    uint256 public immutable amount;
    /// @notice Unix time in seconds from which the amount may be released.
    uint256 public immutable releaseTime;
    /// @notice Unix time in seconds from which the payer may take the amount back.
    uint256 public immutable refundTime;
    uint8 public immutable approvalsRequired;

    /// @notice The zero address when the deal has no arbiter.
    address public arbiter;
    uint8 public approvalCount;
    bool private released;
    bool private refunded;
    mapping(address party => bool) public hasApproved;

    constructor(
        address payer_,
        address payee_,
        uint256 releaseDelay,
        uint8 approvalsRequired_,
        address arbiter_
    ) payable {
        if (msg.value == 0) revert AmountIsZero();
        if (payer_ == address(0) || payee_ == address(0)) revert PartyIsZero();
        // One person in two roles could never give the second approval.
        if (payer_ == payee_ || arbiter_ == payer_ || arbiter_ == payee_) revert PartiesNotDistinct();
        if (approvalsRequired_ < 1 || approvalsRequired_ > 3) {
            revert ApprovalsOutOfRange(approvalsRequired_);
        }
        if (approvalsRequired_ == 3 && arbiter_ == address(0)) revert ArbiterRequired();

        payer = payer_;
        payee = payee_;
        arbiter = arbiter_;
        amount = msg.value;
        approvalsRequired = approvalsRequired_;
        releaseTime = block.timestamp + releaseDelay;
        refundTime = releaseTime + REFUND_DELAY;
    }

    /// @notice Records the caller's approval, and pays the payee when nothing else is missing.
    function approve() external {
        _requireOpen();
        if (msg.sender != payer && msg.sender != payee && msg.sender != arbiter) {
            revert NotAParty(msg.sender);
        }
        if (hasApproved[msg.sender]) revert AlreadyApproved(msg.sender);

        hasApproved[msg.sender] = true;
        approvalCount += 1;
        emit Approved(msg.sender);

        if (isReleasable()) _release();
    }

    /// @notice Pays the payee. Anyone may call it: the rules, not the caller, decide.
    function release() external {
        _requireOpen();
        if (approvalCount < approvalsRequired) {
            revert ApprovalsMissing(approvalCount, approvalsRequired);
        }
        if (block.timestamp < releaseTime) revert ReleaseTimeNotReached(releaseTime);
        _release();
    }

    /// @notice Pays the amount back to the payer, from 30 days after the release time on.
    function refund() external {
        _requireOpen();
        if (msg.sender != payer) revert NotThePayer(msg.sender);
        if (block.timestamp < refundTime) revert RefundTimeNotReached(refundTime);

        refunded = true;
        emit EscrowRefunded(payer, amount, block.timestamp);
        _pay(payer);
    }

    /// @notice Hands the arbiter's role to another address.
    /// An arbiter who has approved cannot hand the role on: the role would get two approvals.
    function changeArbiter(address newArbiter) external {
        _requireOpen();
        address oldArbiter = arbiter;
        if (msg.sender != oldArbiter) revert NotTheArbiter(msg.sender);
        if (newArbiter == address(0)) revert PartyIsZero();
        if (newArbiter == payer || newArbiter == payee || newArbiter == oldArbiter) {
            revert PartiesNotDistinct();
        }
        if (hasApproved[oldArbiter]) revert ArbiterHasApproved();

        arbiter = newArbiter;
        emit ArbiterChanged(oldArbiter, newArbiter);
    }

    /// @notice 0 created, 1 approved (at least one approval, not yet settled), 2 released, 3 refunded.
    function getStatus() external view returns (Status) {
        if (released) return Status.Released;
        if (refunded) return Status.Refunded;
        return approvalCount > 0 ? Status.Approved : Status.Created;
    }

    /// @notice Whether `release()` would be allowed in this block.
    function isReleasable() public view returns (bool) {
        return !released && !refunded && approvalCount >= approvalsRequired
            && block.timestamp >= releaseTime;
    }

    function _requireOpen() private view {
        if (released || refunded) revert AlreadySettled();
    }

    function _release() private {
        released = true;
        emit EscrowReleased(payee, amount, block.timestamp);
        _pay(payee);
    }

    /// Always the last step, after the state has changed, so a recipient who calls back finds the
    /// deal settled. A recipient who refuses the money undoes the whole call: the money stays here.
    function _pay(address recipient) private {
        (bool paid,) = recipient.call{value: amount}("");
        if (!paid) revert PaymentFailed(recipient);
    }
}
