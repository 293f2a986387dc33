// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {EscrowRules} from "../shared/EscrowRules.sol";

/// @title Escrow, revision B: the creation event names the arbiter as its third topic.
contract Escrow is EscrowRules {
    event EscrowCreated(
        address indexed payer,
        address indexed payee,
        address indexed arbiter,
        uint256 amount,
        uint256 releaseTime,
        uint8 approvalsRequired
    );

    constructor(
        address payer_,
        address payee_,
        uint256 releaseDelay,
        uint8 approvalsRequired_,
        address arbiter_
    ) payable EscrowRules(payer_, payee_, releaseDelay, approvalsRequired_, arbiter_) {
        emit EscrowCreated(payer_, payee_, arbiter_, msg.value, releaseTime, approvalsRequired_);
    }
}
